"""Scheduled work of issuance."""

from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from coupon_service.core.log import get_logger
from coupon_service.issuance.gate import gate
from coupon_service.issuance.reconcile import reconcile

log = get_logger(__name__)


def reconcile_gate(session: Session) -> None:
    """Keep the gate true to the database; a Redis that is away is tried again at the next turn."""
    try:
        reconcile(session, gate())
    except RedisError as error:
        log.warning("the gate was not reconciled", error=type(error).__name__)
