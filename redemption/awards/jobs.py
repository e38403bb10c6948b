"""What awards do in the background."""

from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.issuance.gate import gate
from redemption.awards.award import award
from redemption.awards.withdraw import withdraw


def give(session: Session, redemption_id: UUID) -> None:
    """A redemption happened."""
    award(session, gate(), redemption_id, now=db_now(session))


def take_back(session: Session, redemption_id: UUID) -> None:
    """A redemption was reversed."""
    withdraw(session, redemption_id, now=db_now(session))
