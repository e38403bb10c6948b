"""Scheduled work of issuance."""

from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from coupon_service.core.log import get_logger
from coupon_service.issuance.gate import gate
from coupon_service.issuance.reconcile import reconcile, refresh

log = get_logger(__name__)


def reconcile_gate(session: Session) -> None:
    """Keep the gate true to the database; a Redis that is away is tried again at the next turn."""
    try:
        reconcile(session, gate())
    except RedisError as error:
        log.warning("the gate was not reconciled", error=type(error).__name__)


def refresh_gate(session: Session, release_id: UUID) -> None:
    """Tell the gate at once what an official has changed; the reconciler would do so in a while."""
    try:
        refresh(session, gate(), release_id)
    except RedisError as error:
        log.warning("the gate was not refreshed", error=type(error).__name__)
