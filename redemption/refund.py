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

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, RefundPolicy, Release
from coupon_service.campaigns.refund import refund_split
from coupon_service.core.clock import local_date, local_day_start
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from coupon_service.core.money import shared_out
from coupon_service.ledger.payables import take_back
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.vouchers.lifecycle import give_back
from coupon_service.vouchers.models import Voucher
from redemption.errors import (
    OrderWasReversedError,
    RedemptionNotFoundError,
    RefundExceedsOrderError,
    RefundNotFundedError,
    RefundNumberReusedError,
)
from redemption.models import (
    Order,
    OrderState,
    Redemption,
    RedemptionState,
    Refund,
    RefundShare,
)
from redemption.queries import active_till
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
    shift_id: UUID | None = None


@dataclass(frozen=True)
class Refunded:
    """What a refund came to, in fen; `repeated` if it had been made before.

    Attributes:
        left_fen: goods of the order that have not come back.
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
    if order.state != OrderState.REDEEMED:
        raise OrderWasReversedError
    left_fen = order.after_discount_fen - order.refunded_fen
    goods_fen = left_fen if command.goods_fen is None else command.goods_fen
    if not 0 < goods_fen <= left_fen:
        raise RefundExceedsOrderError(left_fen=left_fen)
    made = _record(session, command, order, goods_fen, now)
    if made is None:  # taken meanwhile, by a refund of another order
        raise RefundNumberReusedError
    returned = _give_shares_back(session, made, order, now)
    order.refunded_fen += goods_fen
    session.flush()
    emit(session, TOPIC, refund_id=made.id)
    return _refunded(made, order, returned, repeated=False)


def _by_number(session: Session, merchant_id: UUID, refund_no: str) -> Refund | None:
    return session.scalars(
        select(Refund).where(Refund.merchant_id == merchant_id, Refund.refund_no == refund_no)
    ).one_or_none()


def _repeat(session: Session, earlier: Refund, order: Order, command: RefundCommand) -> Refunded:
    same = earlier.order_id == order.id and command.goods_fen in (None, earlier.goods_fen)
    if not same:
        raise RefundNumberReusedError
    returned = session.scalars(
        select(RefundShare).where(RefundShare.refund_id == earlier.id, RefundShare.returns_voucher)
    ).all()
    return _refunded(earlier, order, len(returned), repeated=True)


def _record(
    session: Session, command: RefundCommand, order: Order, goods_fen: int, now: datetime
) -> Refund | None:
    split = refund_split(
        order.after_discount_fen,
        order.discount_fen,
        goods_fen,
        returned_before_fen=order.refunded_fen,
    )
    return session.scalars(
        insert(Refund)
        .values(
            id=new_id(),
            order_id=order.id,
            merchant_id=order.merchant_id,
            till_id=command.till_id,
            clerk_id=command.clerk_id,
            shift_id=command.shift_id,
            refund_no=command.refund_no,
            goods_fen=goods_fen,
            customer_fen=split.customer_fen,
            district_fen=split.district_fen,
            refunded_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Refund.merchant_id, Refund.refund_no])
        .returning(Refund)
    ).one_or_none()


def _give_shares_back(session: Session, made: Refund, order: Order, now: datetime) -> int:
    """Share the refund out over the order's vouchers; returns how many of them return.

    By what each voucher has left to give back, so that when all has come back, all of every
    voucher has.
    """
    lines = session.execute(
        select(
            Redemption.id,
            Redemption.voucher_id,
            Redemption.node_id,
            Redemption.discount_fen,
            Redemption.turnover_fen,
            Redemption.refunded_discount_fen,
            Redemption.refunded_turnover_fen,
            Voucher.expires_at,
            Campaign.face_fen,
            Campaign.refund_policy,
        )
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Redemption.order_id == order.id)
        .order_by(Redemption.position)
    ).all()
    discounts = shared_out(
        made.district_fen, [line.discount_fen - line.refunded_discount_fen for line in lines]
    )
    turnovers = shared_out(
        made.goods_fen, [line.turnover_fen - line.refunded_turnover_fen for line in lines]
    )
    is_whole = order.refunded_fen + made.goods_fen == order.after_discount_fen
    returned = 0
    for line, discount_fen, turnover_fen in zip(lines, discounts, turnovers, strict=True):
        usable_from = _returns_from(line, order, is_whole=is_whole, now=now)
        share = RefundShare(
            refund_id=made.id,
            redemption_id=line.id,
            district_fen=discount_fen,
            turnover_fen=turnover_fen,
            returns_voucher=usable_from is not None,
        )
        session.add(share)
        returned += share.returns_voucher
        _give_back(session, line, share, usable_from)
    return returned


def _returns_from(
    line: Row[*tuple[Any, ...]], order: Order, *, is_whole: bool, now: datetime
) -> datetime | None:
    """From when the voucher is good again; none if it stays used up."""
    match RefundPolicy(line.refund_policy):
        case RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY | RefundPolicy.RETURN_SHARE_TO_POOL:
            usable_from = now if is_whole and order.refunded_fen == 0 else None
        case RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY:
            tomorrow = local_day_start(local_date(now) + timedelta(days=1))
            usable_from = tomorrow if is_whole else None
        case RefundPolicy.CONSUMED:
            usable_from = None
    return usable_from if usable_from is not None and usable_from < line.expires_at else None


def _give_back(
    session: Session,
    line: Row[*tuple[Any, ...]],
    share: RefundShare,
    usable_from: datetime | None,
) -> None:
    state = RedemptionState.REDEEMED if usable_from is None else RedemptionState.RETURNED
    session.execute(
        update(Redemption)
        .where(Redemption.id == line.id)
        .values(
            state=state,
            refunded_discount_fen=line.refunded_discount_fen + share.district_fen,
            refunded_turnover_fen=line.refunded_turnover_fen + share.turnover_fen,
        )
    )
    reserve_fen = 0 if usable_from is None else line.face_fen
    if share.district_fen or reserve_fen:
        try:
            take_back(
                session,
                line.id,
                share.district_fen,
                node_id=line.node_id,
                reserve_fen=reserve_fen,
            )
        except InsufficientFundsError:
            # What the node holds is for officials to see, not for a till.
            raise RefundNotFundedError from None
    if usable_from is not None:
        give_back(session, line.voucher_id, valid_from=usable_from)


def _refunded(made: Refund, order: Order, returned: int, *, repeated: bool) -> Refunded:
    return Refunded(
        refund_id=made.id,
        refund_no=made.refund_no,
        order_no=order.order_no,
        goods_fen=made.goods_fen,
        customer_fen=made.customer_fen,
        district_fen=made.district_fen,
        left_fen=order.after_discount_fen - order.refunded_fen,
        returned_vouchers=returned,
        refunded_at=made.refunded_at,
        repeated=repeated,
    )
