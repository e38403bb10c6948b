"""Where the visitor stands, as roughly as is useful, and how far a store is from there.

The place stays on the phone, in a cookie of half an hour: it is rounded before it leaves the
page, the server computes with it and keeps nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from flask import Response, request
from flask_babel import gettext

from merchants.queries import StorePlace
from redemption.ar.geofence import distance_m

_COOKIE = "near"
_KEPT_S = 1_800
# A thousandth of a degree is 111 m north to south and 85 m east to west in Beijing.
_PLACES = 3
# Farther than this from everything, "near me" means nothing.
NEAR_MAX_M = 50_000


@dataclass(frozen=True)
class Position:
    """Degrees of WGS-84, rounded to about a hundred metres."""

    lat: float
    lon: float

    @classmethod
    def parse(cls, lat: str, lon: str) -> Self | None:
        """What a browser sent, or None if it is no place on earth."""
        try:
            north, east = float(lat[:20]), float(lon[:20])
        except ValueError:
            return None
        if not (-90 <= north <= 90 and -180 <= east <= 180):  # also refuses NaN
            return None
        return cls(round(north, _PLACES), round(east, _PLACES))

    def metres_to(self, store: StorePlace) -> float:
        return distance_m(self.lat, self.lon, store.lat, store.lon)


@dataclass(frozen=True)
class Nearest:
    """The nearest of several stores."""

    store: StorePlace
    metres: float


def here() -> Position | None:
    """Where the visitor said they are."""
    lat, comma, lon = request.cookies.get(_COOKIE, "").partition(",")
    return Position.parse(lat, lon) if comma else None


def remember(response: Response, position: Position | None) -> None:
    """Leave the place with the visitor, or take it away."""
    if position is None:
        response.delete_cookie(_COOKIE)
        return
    value = f"{position.lat:.{_PLACES}f},{position.lon:.{_PLACES}f}"
    response.set_cookie(_COOKIE, value, max_age=_KEPT_S, httponly=True, samesite="Lax")


def nearest(position: Position, stores: Iterable[StorePlace]) -> Nearest | None:
    """The nearest store one can walk into."""
    found = min(
        ((position.metres_to(store), store) for store in stores if store.channel == "onsite"),
        key=lambda pair: pair[0],
        default=None,
    )
    return Nearest(found[1], found[0]) if found and found[0] <= NEAR_MAX_M else None


def spoken_distance(metres: float) -> str:
    """`约 300 米`, `约 1.2 公里`: no more exact than the place is."""
    if metres < 1_000:
        return str(gettext("约 %(metres)s 米", metres=max(100, round(metres / 100) * 100)))
    return str(gettext("约 %(km)s 公里", km=f"{metres / 1_000:.1f}"))
