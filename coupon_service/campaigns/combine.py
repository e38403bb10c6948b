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
from typing import Any
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
    able = [
        candidate
        for candidate, taken_off in zip(candidates, alone, strict=True)
        if not isinstance(taken_off, Unusable)
    ]
    used = _taken_off(able, order) or _best(able, order) if len(able) > 1 else None
    outcomes: list[int | WhyNot] = []
    for candidate, taken_off in zip(candidates, alone, strict=True):
        if isinstance(taken_off, Unusable):
            outcomes.append(_why_not_alone(candidate.campaign, order, taken_off))
        elif used is None:
            outcomes.append(taken_off)
        elif candidate.voucher_id in used:
            outcomes.append(used[candidate.voucher_id])
        else:
            others = [one for one in able if one.voucher_id in used]
            outcomes.append(_why_not_with(candidate, others, order))
    return outcomes


def _taken_off(together: Sequence[Candidate], order: Order) -> dict[UUID, int] | None:
    """What each takes off by its voucher's id; none if they cannot all be used together."""
    if len(together) > 1:
        if any(one.campaign.stacking == Stacking.ALONE for one in together):
            return None
        of_campaign = Counter(one.campaign.id for one in together)
        if any(of_campaign[one.campaign.id] > _most(one.campaign) for one in together):
            return None
        if _lacks_threshold(together, order):
            return None
    min_pay_fen = max(one.campaign.min_pay_fen for one in together)
    payable_fen = order.after_discount_fen
    taken: dict[UUID, int] = {}
    for one in sorted(together, key=_order_of_use):
        # What the others take off counts as taken off the goods that this one is for.
        for_its_goods_fen = payable_fen - excluded_fen(one.campaign, order)
        taken_fen = takes_off_fen(one.campaign, for_its_goods_fen, min_pay_fen=min_pay_fen)
        if not taken_fen:
            return None
        taken[one.voucher_id] = taken_fen
        payable_fen -= taken_fen
    return taken


def _best(able: Sequence[Candidate], order: Order) -> dict[UUID, int]:
    """The best of all smaller sets; each voucher by itself is one that can be used."""
    by_expiry = sorted(able, key=lambda one: (one.expires_at, one.voucher_id))
    best: dict[UUID, int] = {}
    best_fen = 0
    for size in range(len(able) - 1, 0, -1):
        for together in combinations(by_expiry, size):
            taken = _taken_off(together, order)
            if taken is not None and (taken_fen := sum(taken.values())) > best_fen:
                best, best_fen = taken, taken_fen
    return best


def _order_of_use(one: Candidate) -> tuple[bool, int, datetime, UUID]:
    campaign = one.campaign
    return campaign.rate_bp is not None, -campaign.face_fen, one.expires_at, one.voucher_id


def _most(campaign: Campaign) -> float:
    """How many of the campaign's vouchers one order takes."""
    if campaign.stacking != Stacking.ANY:
        return 1
    return float("inf") if campaign.per_order_max is None else campaign.per_order_max


def _lacks_threshold(together: Sequence[Candidate], order: Order) -> bool:
    """Whether what counts for one of them does not reach all their thresholds."""
    wanted_fen = sum(one.campaign.threshold_fen for one in together)
    return any(counted_fen(one.campaign, order) < wanted_fen for one in together)


def _why_not_alone(campaign: Campaign, order: Order, reason: Unusable) -> WhyNot:
    if reason is not Unusable.BELOW_THRESHOLD:
        return WhyNot(reason)
    counted = counted_fen(campaign, order)
    return WhyNot(reason, {"threshold_fen": campaign.threshold_fen, "counted_fen": counted})


def _why_not_with(one: Candidate, others: Sequence[Candidate], order: Order) -> WhyNot:
    """Why the voucher is not used with those that are."""
    is_alone = one.campaign.stacking == Stacking.ALONE
    against = [other for other in others if is_alone or other.campaign.stacking == Stacking.ALONE]
    same = sum(other.campaign.id == one.campaign.id for other in others)
    together = [one, *others]
    if not against and same >= _most(one.campaign):
        return WhyNot(Unusable.PER_ORDER_MAX, {"most": _most(one.campaign)})
    if not against and _lacks_threshold(together, order):
        wanted_fen = sum(each.campaign.threshold_fen for each in together)
        counted = min(counted_fen(each.campaign, order) for each in together)
        facts = {"threshold_fen": wanted_fen, "counted_fen": counted}
        return WhyNot(Unusable.BELOW_THRESHOLD_TOGETHER, facts)
    if not against and _taken_off(together, order) is None:
        return WhyNot(Unusable.NOTHING_TO_TAKE_OFF)
    names = sorted({other.campaign.name for other in against or others})
    return WhyNot(Unusable.CANNOT_BE_COMBINED, {"campaigns": names})
