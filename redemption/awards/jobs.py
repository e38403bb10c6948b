"""What awards do in the background."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.issuance.gate import gate
from redemption.awards.award import award
from redemption.awards.withdraw import withdraw
from redemption.models import Order, Redemption, Refund


def give(session: Session, redemption_id: UUID) -> None:
    """A redemption happened."""
    award(session, gate(), redemption_id, now=db_now(session))


def take_back(session: Session, redemption_id: UUID) -> None:
    """A redemption was reversed."""
    withdraw(session, redemption_id, now=db_now(session))


def take_back_refunded(session: Session, refund_id: UUID) -> None:
    """Goods of an order came back; what it had earned is lost if all of them have."""
    came_back = session.scalars(
        select(Redemption.id)
        .join(Order, Order.id == Redemption.order_id)
        .join(Refund, Refund.order_id == Order.id)
        .where(Refund.id == refund_id, Order.refunded_fen == Order.after_discount_fen)
        .order_by(Redemption.id)
    ).all()
    now = db_now(session)
    for redemption_id in came_back:
        withdraw(session, redemption_id, now=now)
