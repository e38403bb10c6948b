"""Combine: which of the vouchers shown for one order are used, in which order, for how much. Pure.

The outcome does not depend on the order in which they are shown.

- Thresholds add up: 100 of an order let one voucher of 100 be used, 200 two. Each voucher is paid
  for by spending of its own, or a handful of them would pay for one and the same.
- Fixed amounts come first, percentages last: the district pays no share of what it pays already.
  Larger ones come before smaller ones, so that none is used up for what a larger one leaves
  nothing of; of equals, the one that expires first.
- The customer pays at least the largest of their `min_pay_fen`.
- If all can be used together, all are. If not, those that together take off the most; of equals
  the most vouchers, then those that expire first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any, Self
from uuid import UUID

from coupon_service.campaigns.models import Campaign, Stacking
from coupon_service.campaigns.terms import (
    Order,
    Unusable,
    counted_fen,
    discount_fen,
    excluded_fen,
    takes_off_fen,
)


@dataclass(frozen=True)
class Candidate:
    """A voucher that works here and now, and might pay part of the order."""

    voucher_id: UUID
    campaign: Campaign
    expires_at: datetime


@dataclass(frozen=True)
class WhyNot:
    """Why a voucher is not used, with the facts of it: amounts in fen, campaigns by name."""

    reason: Unusable
    facts: Mapping[str, Any] = field(default_factory=dict)


def combine(candidates: Sequence[Candidate], order: Order) -> list[int | WhyNot]:
    """What each of these vouchers takes off the order, in fen, or why nothing; as they were shown.

    The number of subsets bounds the work: ten vouchers that do not go together have a thousand.
    """
    alone = [discount_fen(candidate.campaign, order) for candidate in candidates]
    if len(candidates) == 1:
        return [_outcome_alone(candidates[0].campaign, order, alone[0])]
    able = [
        _Able.of(candidate, order)
        for candidate, taken_off in zip(candidates, alone, strict=True)
        if not isinstance(taken_off, Unusable)
    ]
    used = _taken_off(able, order) or _best(able, order) if len(able) > 1 else None
    outcomes: list[int | WhyNot] = []
    for candidate, taken_off in zip(candidates, alone, strict=True):
        if isinstance(taken_off, Unusable) or used is None:
            outcomes.append(_outcome_alone(candidate.campaign, order, taken_off))
        elif candidate.voucher_id in used:
            outcomes.append(used[candidate.voucher_id])
        else:
            others = [one for one in able if one.voucher_id in used]
            outcomes.append(_why_not_with(_Able.of(candidate, order), others, order))
    return outcomes


@dataclass(frozen=True, slots=True)
class _Able:
    """A voucher that could be used alone, with what the order comes to for it, in fen."""

    voucher_id: UUID
    campaign: Campaign
    threshold_fen: int
    counted_fen: int
    excluded_fen: int
    expiry: tuple[datetime, UUID]
    place_in_use: tuple[bool, int, datetime, UUID]

    @classmethod
    def of(cls, one: Candidate, order: Order) -> Self:
        campaign = one.campaign
        expiry = (one.expires_at, one.voucher_id)
        return cls(
            voucher_id=one.voucher_id,
            campaign=campaign,
            threshold_fen=campaign.threshold_fen,
            counted_fen=counted_fen(campaign, order),
            excluded_fen=excluded_fen(campaign, order),
            expiry=expiry,
            place_in_use=(campaign.rate_bp is not None, -campaign.face_fen, *expiry),
        )


def _taken_off(together: Sequence[_Able], order: Order) -> dict[UUID, int] | None:
    """What each takes off by its voucher's id; none if they cannot all be used together."""
    if len(together) > 1 and (_lacks_threshold(together) or not _agree(together)):
        return None
    min_pay_fen = max(one.campaign.min_pay_fen for one in together)
    payable_fen = order.after_discount_fen
    taken: dict[UUID, int] = {}
    for one in sorted(together, key=_in_use):
        # What the others take off counts as taken off the goods that this one is for.
        for_its_goods_fen = payable_fen - one.excluded_fen
        taken_fen = takes_off_fen(one.campaign, for_its_goods_fen, min_pay_fen=min_pay_fen)
        if not taken_fen:
            return None
        taken[one.voucher_id] = taken_fen
        payable_fen -= taken_fen
    return taken


def _best(able: Sequence[_Able], order: Order) -> dict[UUID, int]:
    """The best of all smaller sets; each voucher by itself is one that can be used."""
    by_expiry = sorted(able, key=lambda one: one.expiry)
    best: dict[UUID, int] = {}
    best_fen = 0
    for size in range(len(able) - 1, 0, -1):
        for together in combinations(by_expiry, size):
            if sum([one.campaign.face_fen for one in together]) <= best_fen:
                continue
            taken = _taken_off(together, order)
            if taken is not None and (taken_fen := sum(taken.values())) > best_fen:
                best, best_fen = taken, taken_fen
    return best


def _in_use(one: _Able) -> tuple[bool, int, datetime, UUID]:
    return one.place_in_use


def _lacks_threshold(together: Sequence[_Able]) -> bool:
    """Whether what counts for one of them does not reach all their thresholds."""
    wanted_fen = sum([one.threshold_fen for one in together])
    return min([one.counted_fen for one in together]) < wanted_fen


def _agree(together: Sequence[_Able]) -> bool:
    """Whether each of several puts up with the others."""
    if any(one.campaign.stacking == Stacking.ALONE for one in together):
        return False
    of_campaign = Counter(one.campaign.id for one in together)
    return all(of_campaign[one.campaign.id] <= _most(one.campaign) for one in together)


def _most(campaign: Campaign) -> float:
    """How many of the campaign's vouchers one order takes."""
    if campaign.stacking != Stacking.ANY:
        return 1
    return float("inf") if campaign.per_order_max is None else campaign.per_order_max


def _outcome_alone(campaign: Campaign, order: Order, taken_off: int | Unusable) -> int | WhyNot:
    if not isinstance(taken_off, Unusable):
        return taken_off
    if taken_off is not Unusable.BELOW_THRESHOLD:
        return WhyNot(taken_off)
    counted = counted_fen(campaign, order)
    return WhyNot(taken_off, {"threshold_fen": campaign.threshold_fen, "counted_fen": counted})


def _why_not_with(one: _Able, others: Sequence[_Able], order: Order) -> WhyNot:
    """Why the voucher is not used with those that are."""
    is_alone = one.campaign.stacking == Stacking.ALONE
    against = [other for other in others if is_alone or other.campaign.stacking == Stacking.ALONE]
    same = sum(other.campaign.id == one.campaign.id for other in others)
    together = [one, *others]
    if not against and same >= _most(one.campaign):
        return WhyNot(Unusable.PER_ORDER_MAX, {"most": _most(one.campaign)})
    if not against and _lacks_threshold(together):
        facts = {
            "threshold_fen": sum(each.threshold_fen for each in together),
            "counted_fen": min(each.counted_fen for each in together),
        }
        return WhyNot(Unusable.BELOW_THRESHOLD_TOGETHER, facts)
    if not against and _taken_off(together, order) is None:
        return WhyNot(Unusable.NOTHING_TO_TAKE_OFF)
    names = sorted({other.campaign.name for other in against or others})
    return WhyNot(Unusable.CANNOT_BE_COMBINED, {"campaigns": names})
