"""What merchants' systems are told of redemptions: one event per order, or per refund of one.

An order looks as it does at `GET /api/v1/redemptions/<order_no>`, with its store and till. Amounts
are in fen. Nothing is said of the person who showed a voucher.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.models import Store
from merchants.webhooks.models import EventType
from merchants.webhooks.queue import has_listeners, queue
from redemption.models import Order, Redemption, Refund
from redemption.receipt import receipts
from redemption.schemas import OrderView


def tell_redeemed(session: Session, redemption_id: UUID) -> None:
    """An order was redeemed."""
    _tell_order(session, redemption_id, EventType.REDEEMED)


def tell_reversed(session: Session, redemption_id: UUID) -> None:
    """An order was reversed."""
    _tell_order(session, redemption_id, EventType.REVERSED)


def tell_refunded(session: Session, refund_id: UUID) -> None:
    """Goods of an order came back."""
    refund, order_no, store = session.execute(
        select(Refund, Order.order_no, Store.code)
        .join(Order, Order.id == Refund.order_id)
        .join(Store, Store.id == Order.store_id)
        .where(Refund.id == refund_id)
    ).one()
    data = {
        "refund_id": refund.id,
        "refund_no": refund.refund_no,
        "order_no": order_no,
        "goods_fen": refund.goods_fen,
        "customer_fen": refund.customer_fen,
        "district_fen": refund.district_fen,
        "refunded_at": refund.refunded_at,
        "store": store,
        "till_id": refund.till_id,
    }
    queue(session, refund.merchant_id, EventType.REFUNDED, data)


def _tell_order(session: Session, redemption_id: UUID, event_type: EventType) -> None:
    redemption = session.get_one(Redemption, redemption_id)
    # The first voucher of an order speaks for all of them.
    if redemption.position != 1 or not has_listeners(session, redemption.merchant_id, event_type):
        return
    receipt = receipts(session, [redemption.order_id])[redemption.order_id]
    store = session.get_one(Store, receipt.store_id)
    data = {
        **OrderView.of(receipt).model_dump(exclude={"repeated"}),
        "store": store.code,
        "till_id": receipt.till_id,
    }
    queue(session, redemption.merchant_id, event_type, data)
