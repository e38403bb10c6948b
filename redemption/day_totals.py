"""What tills did on one local day, added up: what a shop compares its own books with."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_day_start
from redemption.models import Order, OrderState, Refund


@dataclass(frozen=True)
class DayTotals:
    """Of one local day. Amounts in fen.

    Attributes:
        order_count, order_fen, discount_fen, paid_fen: of orders of that day that were not
            reversed: how many, before the merchant's own discount, what vouchers took off, and what
            customers paid.
        reversal_count: orders of that day that were reversed.
        refund_count, refunded_goods_fen, refunded_customer_fen, refunded_district_fen: of refunds
            of that day, whenever the order was: what the goods had cost, and what of it customers
            and vouchers had paid.
    """

    order_count: int
    order_fen: int
    discount_fen: int
    paid_fen: int
    reversal_count: int
    refund_count: int
    refunded_goods_fen: int
    refunded_customer_fen: int
    refunded_district_fen: int


def day_totals(
    session: Session, merchant_id: UUID, day: date, *, till_id: UUID | None = None
) -> DayTotals:
    """The totals of a merchant's tills, or of one of them."""
    from_, until = local_day_start(day), local_day_start(day + timedelta(days=1))
    orders: list[ColumnElement[bool]] = [
        Order.merchant_id == merchant_id,
        Order.redeemed_at >= from_,
        Order.redeemed_at < until,
    ]
    refunds: list[ColumnElement[bool]] = [
        Refund.merchant_id == merchant_id,
        Refund.refunded_at >= from_,
        Refund.refunded_at < until,
    ]
    if till_id is not None:
        orders.append(Order.till_id == till_id)
        refunds.append(Refund.till_id == till_id)
    live = Order.state == OrderState.REDEEMED
    paid_fen = Order.after_discount_fen - Order.discount_fen
    sold = session.execute(
        select(
            func.count().filter(live),
            func.coalesce(func.sum(Order.order_fen).filter(live), 0),
            func.coalesce(func.sum(Order.discount_fen).filter(live), 0),
            func.coalesce(func.sum(paid_fen).filter(live), 0),
            func.count().filter(Order.state == OrderState.REVERSED),
        ).where(*orders)
    ).one()
    back = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Refund.goods_fen), 0),
            func.coalesce(func.sum(Refund.customer_fen), 0),
            func.coalesce(func.sum(Refund.district_fen), 0),
        ).where(*refunds)
    ).one()
    return DayTotals(*map(int, (*sold, *back)))
