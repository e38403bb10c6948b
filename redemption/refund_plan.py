"""What a refund comes to, before anything is done: shown to a cashier, and then carried out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, RefundPolicy, Release
from coupon_service.campaigns.refund import Fate, fate_of, refund_split
from coupon_service.core.money import shared_out
from coupon_service.vouchers.models import Voucher
from redemption.errors import (
    OrderWasReversedError,
    RedemptionNotFoundError,
    RefundExceedsOrderError,
)
from redemption.models import Order, OrderState, Redemption, Refund, RefundShare


@dataclass(frozen=True)
class Share:
    """What the refund gives back of one voucher's redemption, in fen.

    Attributes:
        district_fen: of what the voucher had taken off.
        turnover_fen: of what counts as the voucher's turnover.
    """

    redemption_id: UUID
    voucher_id: UUID
    resident_id: UUID
    expires_at: datetime
    node_id: UUID
    campaign: str
    face_fen: int
    district_fen: int
    turnover_fen: int
    fate: Fate


@dataclass(frozen=True)
class RefundPlan:
    """A refund of `goods_fen`: what customer and district get of it, and what each voucher does."""

    goods_fen: int
    customer_fen: int
    district_fen: int
    shares: Sequence[Share]

    @property
    def fates(self) -> Sequence[tuple[str, Fate]]:
        """What becomes of each voucher, with its campaign's name."""
        return [(share.campaign, share.fate) for share in self.shares]


def plan_refund(
    session: Session, order: Order, goods_fen: int | None, *, now: datetime
) -> RefundPlan:
    """What taking back goods of this worth comes to; of none given: all that has not come back.

    The district's part is shared out by what each voucher has left to give back, so that when all
    of the order has come back, all of every voucher has.

    Raises:
        OrderWasReversedError: all of the order was undone before.
        RefundExceedsOrderError: more would come back than was bought.
    """
    if order.state != OrderState.REDEEMED:
        raise OrderWasReversedError
    left_fen = order.after_discount_fen - order.refunded_fen
    if goods_fen is None:
        goods_fen = left_fen
    if not 0 < goods_fen <= left_fen:
        raise RefundExceedsOrderError(left_fen=left_fen)
    split = refund_split(
        order.after_discount_fen,
        order.discount_fen,
        goods_fen,
        returned_before_fen=order.refunded_fen,
    )
    lines = session.execute(_LINES.where(Redemption.order_id == order.id)).all()
    discounts = shared_out(split.district_fen, [line.left_discount_fen for line in lines])
    turnovers = shared_out(goods_fen, [line.left_turnover_fen for line in lines])
    shares = [
        Share(
            redemption_id=line.id,
            voucher_id=line.voucher_id,
            resident_id=line.resident_id,
            expires_at=line.expires_at,
            node_id=line.node_id,
            campaign=line.name,
            face_fen=line.face_fen,
            district_fen=district_fen,
            turnover_fen=turnover_fen,
            fate=fate_of(
                RefundPolicy(line.refund_policy),
                line.expires_at,
                is_first=order.refunded_fen == 0,
                is_whole=goods_fen == left_fen,
                now=now,
            ),
        )
        for line, district_fen, turnover_fen in zip(lines, discounts, turnovers, strict=True)
    ]
    return RefundPlan(goods_fen, split.customer_fen, split.district_fen, shares)


def came_back_fen(session: Session, refund: Refund) -> int:
    """The goods of the order that had come back after this refund, in fen.

    The order is locked while a refund is made, so their ids are in the order they were made.
    """
    return int(
        session.execute(
            select(func.sum(Refund.goods_fen)).where(
                Refund.order_id == refund.order_id, Refund.id <= refund.id
            )
        ).scalar_one()
    )


def refund_or_refuse(session: Session, order_id: UUID, refund_no: str) -> Refund:
    """The refund of an order that has this number.

    Raises:
        RedemptionNotFoundError: the order has no such refund.
    """
    found = session.scalars(
        select(Refund).where(Refund.order_id == order_id, Refund.refund_no == refund_no)
    ).one_or_none()
    if found is None:
        raise RedemptionNotFoundError
    return found


def fates_of(session: Session, refund: Refund) -> Sequence[tuple[str, Fate]]:
    """What this refund did to each voucher, with its campaign's name."""
    order = session.get_one(Order, refund.order_id)
    back_fen = came_back_fen(session, refund)
    rows = session.execute(
        select(Campaign.name, Campaign.refund_policy, Voucher.expires_at)
        .join(Release, Release.campaign_id == Campaign.id)
        .join(Voucher, Voucher.release_id == Release.id)
        .join(Redemption, Redemption.voucher_id == Voucher.id)
        .join(RefundShare, RefundShare.redemption_id == Redemption.id)
        .where(RefundShare.refund_id == refund.id)
        .order_by(Redemption.position)
    )
    return [
        (
            name,
            fate_of(
                RefundPolicy(policy),
                expires_at,
                is_first=back_fen == refund.goods_fen,
                is_whole=back_fen == order.after_discount_fen,
                now=refund.refunded_at,
            ),
        )
        for name, policy, expires_at in rows
    ]


_LINES = (
    select(
        Redemption.id,
        Redemption.voucher_id,
        Redemption.node_id,
        (Redemption.discount_fen - Redemption.refunded_discount_fen).label("left_discount_fen"),
        (Redemption.turnover_fen - Redemption.refunded_turnover_fen).label("left_turnover_fen"),
        Voucher.resident_id,
        Voucher.expires_at,
        Campaign.name,
        Campaign.face_fen,
        Campaign.refund_policy,
    )
    .join(Voucher, Voucher.id == Redemption.voucher_id)
    .join(Release, Release.id == Voucher.release_id)
    .join(Campaign, Campaign.id == Release.campaign_id)
    .order_by(Redemption.position)
)
