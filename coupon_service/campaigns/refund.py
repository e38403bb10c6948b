"""What becomes of the price and of a voucher when goods come back that it had paid for in part."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from coupon_service.campaigns.models import RefundPolicy
from coupon_service.core.clock import local_date, local_day_start
from coupon_service.core.money import share_half_up


@dataclass(frozen=True)
class RefundSplit:
    """One refund in fen: what the customer gets, and what the voucher had paid of it."""

    customer_fen: int
    district_fen: int


def refund_split(
    order_fen: int, discount_fen: int, returned_fen: int, *, returned_before_fen: int = 0
) -> RefundSplit:
    """Split what goods cost between customer and district, by what each paid of the order.

    Rounds half up on the cumulative amount, so several refunds of one order add up exactly.
    `returned_fen` and `returned_before_fen` are prices before the voucher.

    Raises:
        ValueError: more would be returned than was bought.
    """
    after_fen = returned_before_fen + returned_fen
    if not 0 <= returned_before_fen <= after_fen <= order_fen:
        raise ValueError("more would be returned than was bought")
    paid_fen = order_fen - discount_fen
    customer_fen = share_half_up(after_fen, paid_fen, order_fen) - share_half_up(
        returned_before_fen, paid_fen, order_fen
    )
    return RefundSplit(customer_fen, returned_fen - customer_fen)


class Fate(StrEnum):
    """What a refund does to a voucher. Its expiry never changes."""

    RETURNED = "returned"
    RETURNED_TOMORROW = "returned_tomorrow"  # usable from the next local day on
    WAITING = "waiting"  # it returns once the rest of the order has come back
    SPENT = "spent"
    EXPIRED = "expired"  # it would have returned, but is no longer valid by then

    @property
    def is_return(self) -> bool:
        return self in (Fate.RETURNED, Fate.RETURNED_TOMORROW)


def fate_of(
    policy: RefundPolicy,
    expires_at: datetime,
    *,
    is_first: bool,
    is_whole: bool,
    now: datetime,
) -> Fate:
    """What becomes of a voucher by its campaign's policy.

    `is_first`: nothing of the order came back before. `is_whole`: with this, all of it has.
    """
    match policy:
        case RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY | RefundPolicy.RETURN_SHARE_TO_POOL:
            if not (is_first and is_whole):
                return Fate.SPENT
            return Fate.RETURNED if now < expires_at else Fate.EXPIRED
        case RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY:
            if tomorrow(now) >= expires_at:
                return Fate.EXPIRED
            return Fate.RETURNED_TOMORROW if is_whole else Fate.WAITING
        case RefundPolicy.CONSUMED:
            return Fate.SPENT


def tomorrow(now: datetime) -> datetime:
    """When the next local day begins."""
    return local_day_start(local_date(now) + timedelta(days=1))
