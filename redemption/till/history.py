"""Past orders: of a till's day, by a part of their number, and what became of each later."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_day_start
from redemption.models import Order, Refund
from redemption.receipt import Receipt, receipts

DAY_MAX = 500
FOUND_MAX = 50


def day_at_till(session: Session, till_id: UUID, day: date) -> list[Receipt]:
    """What the till did on that local day, newest first; at most `DAY_MAX`."""
    since, until = local_day_start(day), local_day_start(day + timedelta(days=1))
    within = (Order.redeemed_at >= since, Order.redeemed_at < until)
    return _newest(session, till_id, *within, limit=DAY_MAX)


def find_at_till(session: Session, till_id: UUID, part: str) -> list[Receipt]:
    """The till's orders with this in their number, newest first; at most `FOUND_MAX`."""
    if "\0" in part:  # PostgreSQL takes it in no text
        return []
    fits = Order.order_no.icontains(part, autoescape=True)
    return _newest(session, till_id, fits, limit=FOUND_MAX)


def clerk_of(session: Session, order_id: UUID) -> UUID | None:
    """Who was on duty when the order was paid."""
    return session.execute(select(Order.clerk_id).where(Order.id == order_id)).scalar_one()


def refunds_of(session: Session, order_id: UUID) -> Sequence[Refund]:
    """The order's refunds, in the order they were made."""
    return session.scalars(
        select(Refund).where(Refund.order_id == order_id).order_by(Refund.refunded_at, Refund.id)
    ).all()


def _newest(
    session: Session, till_id: UUID, *which: ColumnElement[bool], limit: int
) -> list[Receipt]:
    ids = session.scalars(
        select(Order.id)
        .where(Order.till_id == till_id, *which)
        .order_by(Order.redeemed_at.desc(), Order.id.desc())
        .limit(limit)
    ).all()
    found = receipts(session, ids)
    return [found[id_] for id_ in ids]
