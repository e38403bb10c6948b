"""Background work of the residents package."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.residents.models import SignInCode

CODES_KEPT = timedelta(days=1)  # longer than any throttle looks back


def forget_codes(session: Session) -> None:
    """Delete the sign-in codes nobody counts any more."""
    session.execute(delete(SignInCode).where(SignInCode.created_at < db_now(session) - CODES_KEPT))
