"""The terms of a campaign as pure rules: where a voucher works, from which amount, for how much."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from coupon_service.campaigns.models import Campaign, Channel, ThresholdBasis
from coupon_service.core.money import percent_of


class Unusable(StrEnum):
    """Why a voucher cannot be used for an order; machine-readable."""

    STORE_OUT_OF_SCOPE = "store-out-of-scope"
    CHANNEL_OUT_OF_SCOPE = "channel-out-of-scope"
    BELOW_THRESHOLD = "below-threshold"
    NOTHING_TO_TAKE_OFF = "nothing-to-take-off"


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


def discounts_fen(campaigns: Sequence[Campaign], order: Order) -> list[int | Unusable]:
    """What vouchers of these campaigns take off one order, each in fen, or why nothing.

    The first one pays first; what it takes off is no longer payable for the next.
    """
    taken_off: list[int | Unusable] = []
    payable_fen = order.after_discount_fen
    for campaign in campaigns:
        found = discount_fen(campaign, order, payable_fen=payable_fen)
        taken_off.append(found)
        payable_fen -= 0 if isinstance(found, Unusable) else found
    return taken_off


def discount_fen(
    campaign: Campaign, order: Order, *, payable_fen: int | None = None
) -> int | Unusable:
    """What the voucher takes off this order, in fen, or why nothing.

    `payable_fen` is what other vouchers have left to pay; the order's whole amount by default.

    The threshold is tested before the voucher is subtracted, on the amount its basis names. A
    percentage applies to what is payable, rounded half up, up to its cap. The customer always
    pays at least `min_pay_fen`.
    """
    basis_fen = (
        order.order_fen
        if campaign.threshold_basis == ThresholdBasis.BEFORE
        else order.after_discount_fen
    )
    if basis_fen < campaign.threshold_fen:
        return Unusable.BELOW_THRESHOLD
    if payable_fen is None:
        payable_fen = order.after_discount_fen
    wanted_fen = campaign.face_fen
    if campaign.rate_bp is not None:
        wanted_fen = min(campaign.face_fen, percent_of(payable_fen, campaign.rate_bp))
    taken_off_fen = min(wanted_fen, payable_fen - campaign.min_pay_fen)
    return taken_off_fen if taken_off_fen > 0 else Unusable.NOTHING_TO_TAKE_OFF


def _in_scope(scope: dict[str, Any], place: Place) -> bool:
    """Every key present must hold; an absent key limits nothing."""
    return (
        ("store_ids" not in scope or str(place.store_id) in scope["store_ids"])
        and ("categories" not in scope or place.category in scope["categories"])
        and ("zones" not in scope or place.zone in scope["zones"])
        and ("tags" not in scope or not set(scope["tags"]).isdisjoint(place.tags))
    )
