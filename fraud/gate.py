"""The hard rules: what is refused at the till rather than judged on the payout afterwards.

Only two, because a refusal hits the diner:

1. An official has confirmed fraud by this merchant. More public money would follow the lost.
2. The resident paid at another store so lately that nobody could have come here since: a picture
   of the code is paying in another place.

One statement answers both for all who ask at once, from the confirmed-case index, the residents'
vouchers and their live redemptions. It sees committed redemptions only; two tills in the same
instant are told apart by the voucher, which pays once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import as_rows
from coupon_service.core.risk import RedemptionAttempt

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


# A confirmed case, where the store is, and where the resident paid last in a shop of bricks.
# OFFSET 0 holds the planner to the way by the resident's vouchers: on a busy morning its statistics
# are of a table that was empty.
_QUESTION = text(
    """
    SELECT EXISTS (SELECT FROM fraud_cases file
                   WHERE file.merchant_id = attempt.merchant_id AND file.state = 'confirmed')
               AS confirmed,
           here.lat, here.lon, here.channel, last.lat AS last_lat, last.lon AS last_lon,
           last.redeemed_at AS last_at
    FROM json_to_recordset(CAST(:rows AS json))
        AS attempt (position int, resident_id uuid, merchant_id uuid, store_id uuid, at timestamptz)
    JOIN stores here ON here.id = attempt.store_id
    LEFT JOIN LATERAL (
        SELECT there.lat, there.lon, redemption.redeemed_at
        FROM vouchers voucher
        CROSS JOIN LATERAL (
            SELECT live.store_id, live.redeemed_at FROM redemptions live
            WHERE live.voucher_id = voucher.id AND live.state = 'redeemed' OFFSET 0
        ) redemption
        JOIN stores there ON there.id = redemption.store_id
        WHERE voucher.resident_id = attempt.resident_id AND voucher.state = 'redeemed'
          AND voucher.redeemed_at > attempt.at - make_interval(secs => :window_s)
          AND voucher.redeemed_at <= attempt.at AND there.channel = 'onsite'
        ORDER BY voucher.redeemed_at DESC LIMIT 1
    ) last ON true
    ORDER BY attempt.position
    """
)


class FraudGate:
    """Implements `coupon_service.core.risk.RiskGate`."""

    def forbids(self, session: Session, attempts: Sequence[RedemptionAttempt]) -> Sequence[bool]:
        asked = as_rows(
            {"position": position, **vars(attempt)} for position, attempt in enumerate(attempts)
        )
        rows = session.execute(_QUESTION, {"rows": asked, "window_s": TRAVEL_WINDOW_S})
        return [_is_forbidden(row, attempt) for row, attempt in zip(rows, attempts, strict=True)]


def _is_forbidden(row: Row[*tuple[Any, ...]], attempt: RedemptionAttempt) -> bool:
    if row.confirmed:
        return True
    if row.last_at is None or row.channel != Channel.ONSITE:
        return False
    return too_far(
        Spot(row.last_lat, row.last_lon, row.last_at), Spot(row.lat, row.lon, attempt.at)
    )


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
