"""The rows of a season's `ar.toml`. Amounts are integer fen, hours are local."""

from dataclasses import dataclass
from datetime import time
from typing import Annotated

from pydantic import Field, Strict

from coupon_service.campaigns.models import SEATS_MAX
from coupon_service.simulation.season.fields import (
    Code,
    Fen,
    Hours,
    Latitude,
    Longitude,
    Name,
    OpeningHours,
    PositiveFen,
    When,
    YesNo,
)
from redemption.ar.models import ArOutcome

ALWAYS = Hours(time(), time())

DayCap = Annotated[int, Strict(), Field(ge=0, le=SEATS_MAX)]


@dataclass(frozen=True, kw_only=True)
class ProviderRow:
    """Who vouches for presence. What its anchors award comes out of the budget of `node`.

    The caps are of one local day. The service plays a provider that is `built_in` itself.
    """

    code: Code
    name: Name
    node: Code | None = None
    built_in: YesNo = False
    awards_per_day: DayCap = 2_000
    award_fen_per_day: Fen = 50_000_00
    redeem_fen_per_day: Fen = 50_000_00


@dataclass(frozen=True, kw_only=True)
class AnchorRow:
    """A place of presence proofs: they grant from a release, or pay at a virtual store."""

    code: Code
    provider: Code
    name: Name
    outcome: ArOutcome
    release: Code | None = None
    store: Code | None = None
    lat: Latitude
    lon: Longitude
    radius_m: Annotated[int, Strict(), Field(ge=1, le=2000)]
    confidence_min_percent: Annotated[int, Strict(), Field(ge=0, le=100)]
    hours: OpeningHours = ALWAYS
    starts: When | None = None
    ends: When | None = None


@dataclass(frozen=True, kw_only=True)
class SceneRow:
    """An award anchor with a scene of the service's own; behind its door is the `shop` anchor."""

    anchor: Code
    shop: Code | None = None


@dataclass(frozen=True, kw_only=True)
class GoodRow:
    """Something on the counter of the virtual shop at a redeem anchor."""

    anchor: Code
    name: Name
    price_fen: PositiveFen
