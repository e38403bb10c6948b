"""Reverse: a till undoes its own order, on the same local day, by order number."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Release
from coupon_service.core.clock import local_date
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit_all
from coupon_service.ledger.models import Payable
from coupon_service.ledger.payables import TakeBack, take_back_all
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.vouchers.lifecycle import give_back
from coupon_service.vouchers.models import Voucher
from redemption.errors import (
    OrderWasRefundedError,
    ReversalNotFundedError,
    ReversalTooLateError,
)
from redemption.models import Order, OrderState, Redemption, RedemptionState
from redemption.queries import active_till
from redemption.receipt import Receipt, receipt_of
from redemption.slots.places import give_places_back

TOPIC = "redemption.reversed"
# Of an order that never came: there is nothing yet that a repeat could be compared with.
_NO_FINGERPRINT = b""


def reverse(session: Session, till_id: UUID, order_no: str, *, now: datetime) -> Receipt:
    """Undo this order: its vouchers are unused again, the merchant is owed nothing.

    An order that has not arrived leaves a tombstone, which keeps it out when it does. A repeat
    gets the same answer. A voucher whose validity ended meanwhile is returned all the same, and
    the next expiry run sends its money back to the budget node.

    Raises:
        TillNotActiveError: the till was switched off.
        ReversalTooLateError: the order was redeemed on an earlier local day.
        OrderWasRefundedError: goods of it came back already.
        ReversalNotFundedError: the money is paid out already, or was given back in part, and the
            budget node cannot reserve the voucher's face again.
    """
    till = active_till(session, till_id)
    merchant_id = till.store.merchant_id
    order = lock_order(session, merchant_id, order_no)
    if order is None:
        session.execute(
            insert(Order)
            .values(
                id=new_id(),
                merchant_id=merchant_id,
                order_no=order_no,
                fingerprint=_NO_FINGERPRINT,
                state=OrderState.TOMBSTONE,
                store_id=till.store_id,
                till_id=till.id,
                channel=Channel.ONSITE,
                order_fen=0,
                after_discount_fen=0,
                discount_fen=0,
                redeemed_at=now,
                reversed_at=now,
            )
            .on_conflict_do_nothing(index_elements=[Order.merchant_id, Order.order_no])
        )
        # The tombstone, or an original that was committed while we waited for its number.
        order = lock_order(session, merchant_id, order_no)
        assert order is not None, "orders are never deleted"
    if order.state == OrderState.REDEEMED:
        _undo(session, order, now)
    found = receipt_of(session, merchant_id, order_no)
    assert found is not None, "it was locked above"
    return found


def lock_order(session: Session, merchant_id: UUID, order_no: str) -> Order | None:
    """The order as it is now; nobody else changes it until the transaction ends."""
    return session.scalars(
        select(Order)
        .where(Order.merchant_id == merchant_id, Order.order_no == order_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _undo(session: Session, order: Order, now: datetime) -> None:
    if local_date(order.redeemed_at) != local_date(now):
        raise ReversalTooLateError
    if order.refunded_fen:
        raise OrderWasRefundedError
    order.state = OrderState.REVERSED
    order.reversed_at = now
    session.flush()
    lines = session.execute(
        select(
            Redemption.id,
            Redemption.voucher_id,
            Redemption.node_id,
            Campaign.face_fen,
            Campaign.slots,
            Payable.amount_fen,
        )
        .join(Payable, Payable.id == Redemption.id)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Redemption.order_id == order.id)
        # As whoever redeems: vouchers first, in one order for everybody, then slots, then money.
        .order_by(Voucher.id)
        .with_for_update(of=Voucher, key_share=True)
    ).all()
    if any(line.slots for line in lines):
        give_places_back(session, order.id)
    session.execute(
        update(Redemption)
        .where(Redemption.order_id == order.id)
        .values(state=RedemptionState.REVERSED, reversed_at=now)
    )
    try:
        take_back_all(
            session,
            [TakeBack(line.id, line.amount_fen, line.node_id, line.face_fen) for line in lines],
        )
    except InsufficientFundsError:
        # What the node holds is for officials to see, not for a till.
        raise ReversalNotFundedError from None
    for line in lines:
        give_back(session, line.voucher_id)
    emit_all(session, TOPIC, [{"redemption_id": line.id} for line in lines])
