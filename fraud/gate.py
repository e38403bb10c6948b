"""The hard rules: what is refused at the till rather than judged on the payout afterwards.

Only two, because a refusal hits the diner:

1. An official has confirmed fraud by this merchant. More public money would follow the lost.
2. The resident paid at another store so lately that nobody could have come here since: a picture
   of the code is paying in another place.

One statement answers both, from the confirmed-case index, the resident's vouchers and their live
redemption. It sees committed redemptions only; two tills in the same instant are told apart by the
voucher, which pays once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any

from sqlalchemy import Select, bindparam, exists, select, true
from sqlalchemy.orm import Session, aliased

from coupon_service.campaigns.models import Channel
from coupon_service.core.risk import RedemptionAttempt
from coupon_service.vouchers.models import Voucher
from fraud.models import Case, CaseState
from merchants.models import Store
from redemption.models import Redemption, RedemptionState

# Faster than a car through the city with every light green; a helicopter is no excuse.
TRAVEL_SPEED_MAX_KMH = 120
# Below this, coordinates of large buildings and waiting for the till's answer decide too much.
TRAVEL_DISTANCE_MIN_M = 2_000
TRAVEL_WINDOW_S = 30 * 60
_EARTH_RADIUS_M = 6_371_009


@dataclass(frozen=True)
class Spot:
    """A place in degrees and a moment."""

    lat: float
    lon: float
    at: datetime


def _question() -> Select[*tuple[Any, ...]]:
    """Whether fraud is confirmed, where the store is, and where the resident paid last."""
    here, there = aliased(Store), aliased(Store)
    last = (
        select(there.lat, there.lon, Redemption.redeemed_at)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(there, there.id == Redemption.store_id)
        .where(
            Voucher.resident_id == bindparam("resident_id"),
            Redemption.state == RedemptionState.REDEEMED,
            Redemption.redeemed_at > bindparam("since"),
            Redemption.redeemed_at <= bindparam("at"),
            there.channel == Channel.ONSITE,
        )
        .order_by(Redemption.redeemed_at.desc())
        .limit(1)
        .lateral()
    )
    return (
        select(
            exists()
            .where(Case.merchant_id == bindparam("merchant_id"), Case.state == CaseState.CONFIRMED)
            .correlate(None),
            here.lat,
            here.lon,
            here.channel,
            last.c.lat,
            last.c.lon,
            last.c.redeemed_at,
        )
        .join_from(here, last, true(), isouter=True)
        .where(here.id == bindparam("store_id"))
    )


# Put together once: at a till, building the statement took longer than running it.
_QUESTION = _question()


class FraudGate:
    """Implements `coupon_service.core.risk.RiskGate`."""

    def forbids(self, session: Session, attempt: RedemptionAttempt) -> bool:
        confirmed, lat, lon, channel, last_lat, last_lon, last_at = session.execute(
            _QUESTION,
            {
                "resident_id": attempt.resident_id,
                "since": attempt.at - timedelta(seconds=TRAVEL_WINDOW_S),
                "at": attempt.at,
                "merchant_id": attempt.merchant_id,
                "store_id": attempt.store_id,
            },
        ).one()
        if confirmed:
            return True
        if last_at is None or channel != Channel.ONSITE:
            return False
        return too_far(Spot(last_lat, last_lon, last_at), Spot(lat, lon, attempt.at))


def too_far(last: Spot, here: Spot) -> bool:
    """Whether nobody could have come from one to the other in that time."""
    distance_m = _distance_m(last, here)
    if distance_m < TRAVEL_DISTANCE_MIN_M:
        return False
    reachable_m = (here.at - last.at).total_seconds() * TRAVEL_SPEED_MAX_KMH / 3.6
    return distance_m > reachable_m


def _distance_m(a: Spot, b: Spot) -> float:
    """Great-circle distance in metres, by the haversine formula."""
    half_lat = radians(b.lat - a.lat) / 2
    half_lon = radians(b.lon - a.lon) / 2
    h = sin(half_lat) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_M * asin(sqrt(h))
