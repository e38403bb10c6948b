"""Scheduled work of vouchers."""

from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.vouchers.lifecycle import expire_due


def expire(session: Session) -> None:
    """Expire what is due and free its money, a batch at a time until nothing is left."""
    now = db_now(session)
    while expire_due(session, now=now):
        pass
