"""Refund: goods of an order come back, later or in part, and each side gets what it had paid.

What a voucher had taken off the returned goods never stays with the merchant: the district owes
that much less, or is owed it back if it was paid already. What becomes of the voucher is the policy
of its campaign:

- `return_voucher_keep_expiry`, `return_share_to_pool`: one refund of the whole order returns the
  voucher, if it is still valid, with its expiry unchanged. After a refund of a part it is gone.
- `return_on_full_refund_next_day`: as soon as all of the order has come back, in one refund or
  several, the voucher returns, usable from the next local day on.
- `consumed`: it never returns.

The district's share goes to the budget node, unless the voucher returns: then to its face.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.refund import Fate, tomorrow
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from coupon_service.ledger.payables import TakeBack, take_back_all
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.notices.notify import NoticeKind, notify
from coupon_service.vouchers.lifecycle import give_back
from redemption.errors import (
    RedemptionNotFoundError,
    RefundNotFundedError,
    RefundNumberReusedError,
)
from redemption.models import (
    Order,
    Redemption,
    RedemptionState,
    Refund,
    RefundShare,
)
from redemption.queries import active_till
from redemption.refund_plan import RefundPlan, Share, came_back_fen, plan_refund
from redemption.reverse import lock_order

TOPIC = "redemption.refunded"


@dataclass(frozen=True)
class RefundCommand:
    """Goods of an order that came back.

    Attributes:
        refund_no: the merchant's number of this refund; the same again is the same refund.
        goods_fen: what they had cost, after the merchant's own discount and before vouchers; none:
            all that has not come back yet.
    """

    till_id: UUID
    order_no: str
    refund_no: str
    goods_fen: int | None = None
    clerk_id: UUID | None = None


@dataclass(frozen=True)
class Refunded:
    """What a refund came to, in fen; `repeated` if it had been made before.

    Attributes:
        left_fen: goods of the order that had not come back after it.
        returned_vouchers: how many vouchers their holders may use again.
    """

    refund_id: UUID
    refund_no: str
    order_no: str
    goods_fen: int
    customer_fen: int
    district_fen: int
    left_fen: int
    returned_vouchers: int
    refunded_at: datetime
    repeated: bool


def refund(session: Session, command: RefundCommand, *, now: datetime) -> Refunded:
    """Take goods back: the customer gets their part of the price, the district the rest.

    Raises:
        TillNotActiveError: the till was switched off.
        RedemptionNotFoundError: the merchant has no order with this number.
        OrderWasReversedError: all of it was undone before.
        RefundExceedsOrderError: more would come back than was bought.
        RefundNumberReusedError: the number stands for another refund.
        RefundNotFundedError: the voucher's money is paid out, and its budget node cannot reserve
            the face again.
    """
    merchant_id = active_till(session, command.till_id).store.merchant_id
    order = lock_order(session, merchant_id, command.order_no)
    if order is None:
        raise RedemptionNotFoundError
    earlier = _by_number(session, merchant_id, command.refund_no)
    if earlier is not None:
        return _repeat(session, earlier, order, command)
    plan = plan_refund(session, order, command.goods_fen, now=now)
    made = _record(session, command, order, plan, now)
    if made is None:  # taken meanwhile, by a refund of another order
        raise RefundNumberReusedError
    order.refunded_fen += plan.goods_fen
    session.flush()
    _return_vouchers(session, plan.shares, now)
    _take_back(session, plan.shares)
    emit(session, TOPIC, refund_id=made.id)
    left_fen = order.after_discount_fen - order.refunded_fen
    returned = sum(share.fate.is_return for share in plan.shares)
    return _refunded(made, order, left_fen, returned, repeated=False)


def _by_number(session: Session, merchant_id: UUID, refund_no: str) -> Refund | None:
    return session.scalars(
        select(Refund).where(Refund.merchant_id == merchant_id, Refund.refund_no == refund_no)
    ).one_or_none()


def _repeat(session: Session, earlier: Refund, order: Order, command: RefundCommand) -> Refunded:
    if earlier.order_id != order.id:
        raise RefundNumberReusedError
    left_fen = order.after_discount_fen - came_back_fen(session, earlier)
    asked_fen = earlier.goods_fen + left_fen if command.goods_fen is None else command.goods_fen
    if asked_fen != earlier.goods_fen:
        raise RefundNumberReusedError
    returned = session.execute(
        select(func.count()).where(RefundShare.refund_id == earlier.id, RefundShare.returns_voucher)
    ).scalar_one()
    return _refunded(earlier, order, left_fen, returned, repeated=True)


def _record(
    session: Session, command: RefundCommand, order: Order, plan: RefundPlan, now: datetime
) -> Refund | None:
    made = session.scalars(
        insert(Refund)
        .values(
            id=new_id(),
            order_id=order.id,
            merchant_id=order.merchant_id,
            till_id=command.till_id,
            clerk_id=command.clerk_id,
            refund_no=command.refund_no,
            goods_fen=plan.goods_fen,
            customer_fen=plan.customer_fen,
            district_fen=plan.district_fen,
            refunded_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Refund.merchant_id, Refund.refund_no])
        .returning(Refund)
    ).one_or_none()
    if made is None:
        return None
    for share in plan.shares:
        session.add(
            RefundShare(
                refund_id=made.id,
                redemption_id=share.redemption_id,
                district_fen=share.district_fen,
                turnover_fen=share.turnover_fen,
                returns_voucher=share.fate.is_return,
            )
        )
        state = RedemptionState.RETURNED if share.fate.is_return else RedemptionState.REDEEMED
        session.execute(
            update(Redemption)
            .where(Redemption.id == share.redemption_id)
            .values(
                state=state,
                refunded_discount_fen=Redemption.refunded_discount_fen + share.district_fen,
                refunded_turnover_fen=Redemption.refunded_turnover_fen + share.turnover_fen,
            )
        )
    return made


def _return_vouchers(session: Session, shares: Sequence[Share], now: datetime) -> None:
    # In the order in which redeeming locks them, and before the money as there: so neither waits
    # for what the other holds.
    for share in sorted(shares, key=lambda share: share.voucher_id):
        if not share.fate.is_return:
            continue
        usable_from = tomorrow(now) if share.fate is Fate.RETURNED_TOMORROW else None
        give_back(session, share.voucher_id, valid_from=usable_from)
        notify(
            session,
            share.resident_id,
            NoticeKind.VOUCHER_RETURNED,
            campaign=share.campaign,
            voucher_id=share.voucher_id,
            expires_at=share.expires_at,
            **({} if usable_from is None else {"usable_from": usable_from}),
        )


def _take_back(session: Session, shares: Sequence[Share]) -> None:
    parts = [
        TakeBack(
            share.redemption_id,
            share.district_fen,
            share.node_id,
            share.face_fen if share.fate.is_return else 0,
        )
        for share in shares
    ]
    try:
        take_back_all(session, parts)
    except InsufficientFundsError:
        # What the node holds is for officials to see, not for a till.
        raise RefundNotFundedError from None


def _refunded(
    made: Refund, order: Order, left_fen: int, returned: int, *, repeated: bool
) -> Refunded:
    return Refunded(
        refund_id=made.id,
        refund_no=made.refund_no,
        order_no=order.order_no,
        goods_fen=made.goods_fen,
        customer_fen=made.customer_fen,
        district_fen=made.district_fen,
        left_fen=left_fen,
        returned_vouchers=returned,
        refunded_at=made.refunded_at,
        repeated=repeated,
    )
