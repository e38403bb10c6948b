"""The terms of a campaign as pure rules: where and when a voucher works, for which goods, for how
much. What becomes of several vouchers in one order is told by `combine`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from coupon_service.campaigns.hours import Hours
from coupon_service.campaigns.models import Campaign, Channel, ThresholdBasis
from coupon_service.core.clock import local_date
from coupon_service.core.money import percent_of

# Kinds of goods that terms may exclude. A closed list: a misspelt kind would be paid for.
GoodsKind = Literal["gold", "liquor", "medicine", "prepaid_card", "recharge", "tobacco"]
# By rule, whatever a campaign says: money in another form, and what must not be promoted.
ALWAYS_EXCLUDED = frozenset({"prepaid_card", "recharge", "tobacco"})


class Unusable(StrEnum):
    """Why a voucher cannot be used for an order; machine-readable."""

    STORE_OUT_OF_SCOPE = "store-out-of-scope"
    CHANNEL_OUT_OF_SCOPE = "channel-out-of-scope"
    WRONG_WEEKDAY = "wrong-weekday"
    OUTSIDE_HOURS = "outside-hours"
    GOODS_EXCLUDED = "goods-excluded"
    BELOW_THRESHOLD = "below-threshold"
    NOTHING_TO_TAKE_OFF = "nothing-to-take-off"
    CANNOT_BE_COMBINED = "cannot-be-combined"
    PER_ORDER_MAX = "per-order-max"
    BELOW_THRESHOLD_TOGETHER = "below-threshold-together"


@dataclass(frozen=True)
class Place:
    """What of a store decides whether a voucher works there."""

    store_id: UUID
    category: str
    zone: str
    tags: Collection[str]
    channel: Channel


@dataclass(frozen=True)
class Order:
    """An order in fen, before and after the merchant's own discount.

    Attributes:
        goods: how much of `after_discount_fen` is for goods of each kind that some campaigns
            exclude; whatever is not named is for other goods.
    """

    order_fen: int
    after_discount_fen: int
    goods: Mapping[str, int] = field(default_factory=dict)


def unusable_at(campaign: Campaign, place: Place) -> Unusable | None:
    """Why this campaign's vouchers do not work at the place, or None if they do."""
    if place.channel not in campaign.redeem_channels:
        return Unusable.CHANNEL_OUT_OF_SCOPE
    return None if _in_scope(campaign.scope, place) else Unusable.STORE_OUT_OF_SCOPE


def unusable_when(campaign: Campaign, moment: datetime) -> Unusable | None:
    """Why this campaign's vouchers do not work at the moment, or None if they do."""
    hours = Hours.of(campaign.scope)
    if hours is None or hours.open_at(moment):
        return None
    today = local_date(moment)
    return Unusable.OUTSIDE_HOURS if hours.on_weekday_of(today) else Unusable.WRONG_WEEKDAY


def discount_fen(campaign: Campaign, order: Order) -> int | Unusable:
    """What one voucher alone takes off this order, in fen, or why nothing.

    The threshold is tested before the voucher is subtracted, on the amount its basis names, without
    the goods that the campaign excludes.
    """
    excluded = excluded_fen(campaign, order)
    payable_fen = order.after_discount_fen - excluded
    if excluded and payable_fen <= 0:
        return Unusable.GOODS_EXCLUDED
    if counted_fen(campaign, order) < campaign.threshold_fen:
        return Unusable.BELOW_THRESHOLD
    taken_off_fen = takes_off_fen(campaign, payable_fen, min_pay_fen=campaign.min_pay_fen)
    return taken_off_fen or Unusable.NOTHING_TO_TAKE_OFF


def takes_off_fen(campaign: Campaign, payable_fen: int, *, min_pay_fen: int) -> int:
    """What a voucher takes off what is payable for the goods it is for, in fen; may be 0.

    A percentage is rounded half up, up to its cap. At least `min_pay_fen` stay payable.
    """
    wanted_fen = campaign.face_fen
    if campaign.rate_bp is not None:
        wanted_fen = min(campaign.face_fen, percent_of(max(payable_fen, 0), campaign.rate_bp))
    return max(0, min(wanted_fen, payable_fen - min_pay_fen))


def counted_fen(campaign: Campaign, order: Order) -> int:
    """What of the order counts towards the threshold."""
    is_before = campaign.threshold_basis == ThresholdBasis.BEFORE
    basis_fen = order.order_fen if is_before else order.after_discount_fen
    return basis_fen - excluded_fen(campaign, order)


def excluded_fen(campaign: Campaign, order: Order) -> int:
    """What of the order is for goods that the voucher is not for."""
    if not order.goods:
        return 0
    kinds = ALWAYS_EXCLUDED.union(campaign.excluded_goods)
    return sum(fen for kind, fen in order.goods.items() if kind in kinds)


def _in_scope(scope: dict[str, Any], place: Place) -> bool:
    """Every key present must hold; an absent key limits nothing."""
    return (
        ("store_ids" not in scope or str(place.store_id) in scope["store_ids"])
        and ("categories" not in scope or place.category in scope["categories"])
        and ("zones" not in scope or place.zone in scope["zones"])
        and ("tags" not in scope or not set(scope["tags"]).isdisjoint(place.tags))
    )
