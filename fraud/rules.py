"""The rules: pure functions from what was seen to a finding, or none.

No rule alone stops money: a shared phone may be a family's, an order exactly at the threshold a
set menu, and a queue at noon a burst. A case opens when the weights of one redemption's findings
reach `CASE_WEIGHT`, which takes at least two rules of different kinds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from uuid import UUID

from coupon_service.campaigns.models import Channel
from coupon_service.core.money import BASIS_POINTS

CASE_WEIGHT = 60

# A couple and a parent on one phone are normal; a fourth person within a day is not.
RESIDENTS_PER_DEVICE_24H_MAX = 3
RELATED_WINDOW_S = 24 * 3600

RECENT_ORDERS = 20
# Within 1 % above the threshold: 50.00 to 50.50 yuan.
AT_THRESHOLD_MARGIN_BP = 100
AT_THRESHOLD_ORDERS_MIN = 6
AT_THRESHOLD_SHARE_MIN_BP = 5_000

# Ringing up, scanning and taking the payment needs more than ten seconds.
BURST_WINDOW_S = 60
BURST_REDEMPTIONS_MAX = 5

# Claiming, opening the wallet and showing the code takes a person longer than this.
CLAIM_TO_USE_QUICK_S = 20
CLAIM_TO_USE_QUICK_ORDERS_MIN = 3

# Opening early and closing late is no fraud.
CLOSED_MARGIN_MIN = 30

# Sets such as 100 + 200 + 500 are used up by one person at one friendly merchant.
VOUCHERS_PER_RESIDENT_24H_MAX = 2


@dataclass(frozen=True)
class Finding:
    """What one rule saw.

    Attributes:
        evidence: counts and amounts, never identities.
        pattern: the redemptions that make it up, the judged one included.
    """

    rule: str
    weight: int
    evidence: Mapping[str, int]
    pattern: frozenset[UUID]
    version: int = 1


@dataclass(frozen=True)
class OrderSeen:
    """One order of a store; `basis_fen` is the amount the campaign tests its threshold on."""

    redemption_id: UUID
    basis_fen: int
    threshold_fen: int
    claim_to_use_s: int
    channel: Channel


@dataclass(frozen=True)
class Signals:
    """Everything the rules look at, as of the moment of one redemption.

    Attributes:
        orders: the store's newest orders, the judged one first, at most `RECENT_ORDERS`.
        till_burst: the till's redemptions of the last `BURST_WINDOW_S`; empty without a till.
        same_device: the resident of each redemption at this merchant within `RELATED_WINDOW_S`
            whose voucher was claimed on the same device; empty if the device is not known.
        same_resident: this resident's redemptions at this merchant within that time.
        local_time: of the redemption, in Beijing.
    """

    orders: Sequence[OrderSeen]
    till_burst: Sequence[UUID]
    same_device: Mapping[UUID, UUID]
    same_resident: Sequence[UUID]
    opens: time
    closes: time
    local_time: time

    @property
    def judged(self) -> OrderSeen:
        return self.orders[0]


def judge(seen: Signals) -> list[Finding]:
    """What all rules find in one redemption."""
    return [finding for rule in RULES if (finding := rule(seen)) is not None]


def device_shared(seen: Signals) -> Finding | None:
    """Vouchers of many residents, all claimed on one device, come to one merchant within a day."""
    residents = len(set(seen.same_device.values()))
    if residents <= RESIDENTS_PER_DEVICE_24H_MAX:
        return None
    return Finding(
        "device-shared",
        40,
        {"residents": residents, "orders": len(seen.same_device)},
        frozenset(seen.same_device),
    )


def amount_at_threshold(seen: Signals) -> Finding | None:
    """Most of a store's latest orders are just what the coupon asks for, as invented ones are."""
    if not _at_threshold(seen.judged):
        return None
    with_threshold = [order for order in seen.orders if order.threshold_fen > 0]
    at = [order for order in with_threshold if _at_threshold(order)]
    if len(at) < AT_THRESHOLD_ORDERS_MIN or len(
        at
    ) * BASIS_POINTS < AT_THRESHOLD_SHARE_MIN_BP * len(with_threshold):
        return None
    return Finding(
        "amount-at-threshold",
        30,
        {
            "orders_at_threshold": len(at),
            "orders": len(with_threshold),
            "margin_bp": AT_THRESHOLD_MARGIN_BP,
        },
        frozenset(order.redemption_id for order in at),
    )


def burst_at_till(seen: Signals) -> Finding | None:
    """One till redeems faster than a cashier can ring up."""
    if len(seen.till_burst) <= BURST_REDEMPTIONS_MAX:
        return None
    return Finding(
        "burst-at-till",
        30,
        {"orders": len(seen.till_burst), "window_s": BURST_WINDOW_S},
        frozenset(seen.till_burst),
    )


def claim_to_use_too_quick(seen: Signals) -> Finding | None:
    """Again and again a voucher is used within seconds of its claim, as programs do.

    Only at a real counter: claiming and redeeming in one go is what an AR scene is for.
    """
    if not _too_quick(seen.judged):
        return None
    quick = [order for order in seen.orders if _too_quick(order)]
    if len(quick) < CLAIM_TO_USE_QUICK_ORDERS_MIN:
        return None
    return Finding(
        "claim-to-use-too-quick",
        25,
        {"orders": len(quick), "quickest_s": min(order.claim_to_use_s for order in quick)},
        frozenset(order.redemption_id for order in quick),
    )


def closed_hours(seen: Signals) -> Finding | None:
    """The store sells while it is closed. Equal hours mean that it never closes."""
    if seen.judged.channel is not Channel.ONSITE or seen.opens == seen.closes:
        return None
    opens_min = _minutes(seen.opens) - CLOSED_MARGIN_MIN
    # Modulo a day: hours may cross midnight.
    open_for_min = (_minutes(seen.closes) - _minutes(seen.opens)) % _DAY_MIN + 2 * CLOSED_MARGIN_MIN
    since_opening_min = (_minutes(seen.local_time) - opens_min) % _DAY_MIN
    if since_opening_min <= open_for_min:
        return None
    to_next_opening_min = _DAY_MIN - since_opening_min
    outside_min = min(since_opening_min - open_for_min, to_next_opening_min) + CLOSED_MARGIN_MIN
    return Finding(
        "closed-hours",
        30,
        {"minutes_outside": outside_min},
        frozenset({seen.judged.redemption_id}),
    )


def vouchers_cycled(seen: Signals) -> Finding | None:
    """One resident uses up a set of vouchers at one merchant within a day."""
    vouchers = len(seen.same_resident)
    if vouchers <= VOUCHERS_PER_RESIDENT_24H_MAX:
        return None
    return Finding("vouchers-cycled", 30, {"vouchers": vouchers}, frozenset(seen.same_resident))


RULES: Sequence[Callable[[Signals], Finding | None]] = (
    device_shared,
    amount_at_threshold,
    burst_at_till,
    claim_to_use_too_quick,
    closed_hours,
    vouchers_cycled,
)

_DAY_MIN = 24 * 60


def _at_threshold(order: OrderSeen) -> bool:
    if order.threshold_fen <= 0:
        return False
    above_fen = order.basis_fen - order.threshold_fen
    return 0 <= above_fen * BASIS_POINTS <= order.threshold_fen * AT_THRESHOLD_MARGIN_BP


def _too_quick(order: OrderSeen) -> bool:
    return order.channel is Channel.ONSITE and order.claim_to_use_s < CLAIM_TO_USE_QUICK_S


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute
