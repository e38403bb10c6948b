"""The rows of a season's files: what each must hold, with a bound on everything.

Amounts are integer fen. Moments are local and may count from the load day (see `moments`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, Strict, StringConstraints

from coupon_service.campaigns.models import SEATS_MAX, RefundPolicy, Stacking, ThresholdBasis
from coupon_service.campaigns.terms import GoodsKind
from coupon_service.core.money import BASIS_POINTS
from coupon_service.issuance.codes.models import USES_MAX
from coupon_service.simulation.season.ar_rows import AnchorRow, GoodRow, ProviderRow, SceneRow
from coupon_service.simulation.season.fields import (
    AccountNumber,
    AdultAge,
    Channels,
    Code,
    Codes,
    Fen,
    Latitude,
    Longitude,
    Name,
    Names,
    OpeningHours,
    PerPerson,
    PositiveFen,
    Seats,
    Sentence,
    Weekdays,
    When,
    Windows,
    YesNo,
)

# What the city's season of 2022 calls its eight boards; a district's boards are tagged with them.
CITY_BOARDS = ("首秀", "时尚", "潮购", "智惠", "文享", "炫彩", "寻味", "品质")

# As many as there are demo residents.
DEMO_CLAIMS_MAX = 8

DemoCount = Annotated[int, Strict(), Field(ge=0, le=DEMO_CLAIMS_MAX)]


class StoreChannel(StrEnum):
    ONSITE = "onsite"
    VIRTUAL = "virtual"


@dataclass(frozen=True, kw_only=True)
class DistrictRow:
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]  # GB/T 2260
    name: Name
    south: Latitude
    north: Latitude
    west: Longitude
    east: Longitude


@dataclass(frozen=True, kw_only=True)
class SeasonRow:
    code: Code
    name: Name
    appropriation_fen: PositiveFen
    starts: When
    ends: When


@dataclass(frozen=True, kw_only=True)
class VocabularyRow:
    """The words stores and scopes may use."""

    zones: Names
    categories: Names
    tags: Names


@dataclass(frozen=True, kw_only=True)
class StreetRow:
    """A street of the district (街道), with the box its stores must lie in."""

    name: Name
    south: Latitude
    north: Latitude
    west: Longitude
    east: Longitude


@dataclass(frozen=True, kw_only=True)
class BoardRow:
    code: Code
    name: Name
    city_boards: Annotated[Names, Field(min_length=1)]
    budget_fen: PositiveFen


@dataclass(frozen=True, kw_only=True)
class SeriesRow:
    code: Code
    board: Code
    name: Name
    budget_fen: PositiveFen


@dataclass(frozen=True, kw_only=True)
class EventRow:
    code: Code
    series: Code
    name: Name
    budget_fen: PositiveFen


@dataclass(frozen=True, kw_only=True)
class MerchantRow:
    code: Code
    name: Name
    payout_holder: Name
    payout_bank: Name
    payout_account: AccountNumber
    illustration: YesNo


@dataclass(frozen=True, kw_only=True)
class StoreRow:
    code: Code
    merchant: Code
    name: Name
    street: Name
    neighbourhood: Name
    address: Name
    zone: Name
    category: Name
    tags: Names
    lat: Latitude
    lon: Longitude
    hours: OpeningHours
    channel: StoreChannel
    illustration: YesNo


@dataclass(frozen=True, kw_only=True)
class SlotRow:
    """A window in which each store takes `capacity` vouchers a day.

    From the day of `since` to the day before that of `until`, or on all days.
    """

    hours: OpeningHours
    capacity: Annotated[int, Strict(), Field(ge=1, le=SEATS_MAX)]
    since: When | None = None
    until: When | None = None


@dataclass(frozen=True, kw_only=True)
class CampaignRow:
    """Terms. A fixed coupon has `face_fen`; a percentage has `rate_bp` and `cap_fen`.

    `min_age` is in completed years. With `flows`, what is left of a release goes on to the next.
    """

    code: Code
    event: Code
    name: Name
    summary: Sentence
    face_fen: PositiveFen | None = None
    rate_bp: Annotated[int, Strict(), Field(ge=1, le=BASIS_POINTS)] | None = None
    cap_fen: PositiveFen | None = None
    threshold_fen: Fen
    threshold_basis: ThresholdBasis
    min_pay_fen: Fen = 1
    categories: Names = ()
    zones: Names = ()
    tags: Names = ()
    stores: Codes = ()
    weekdays: Weekdays = ()
    hours: Windows = ()
    slots: Annotated[tuple[SlotRow, ...], Field(max_length=10)] = ()
    excluded_goods: Annotated[tuple[GoodsKind, ...], Field(max_length=10)] = ()
    stacking: Stacking = Stacking.ALONE
    per_order_max: Annotated[int, Strict(), Field(ge=2, le=10)] | None = None
    valid_from: When | None = None
    valid_until: When | None = None
    valid_days: Annotated[int, Strict(), Field(ge=1, le=366)] | None = None
    per_person: PerPerson = 1
    min_age: AdultAge | None = None
    flows: YesNo = False
    refund_policy: RefundPolicy
    claim_channels: Channels
    redeem_channels: Channels

    @property
    def discount_max_fen(self) -> int:
        """The most one coupon takes off, hence what each seat reserves."""
        return self.face_fen or self.cap_fen or 0


@dataclass(frozen=True, kw_only=True)
class ReleaseRow:
    """A dated wave. `demo_claims` seats are taken by demo residents when the season is loaded."""

    code: Code
    campaign: Code
    name: Name
    quantity: Seats
    opens: When
    closes: When
    demo_claims: DemoCount = 0


@dataclass(frozen=True, kw_only=True)
class DrawRow:
    """A release that is drawn. `demo_entries` demo residents enter when the season is loaded.

    A draw whose seed is due by then is drawn and published at once.
    """

    release: Code
    entries_close: When
    seed_available: When
    seed_file: Code
    demo_entries: DemoCount = 0


@dataclass(frozen=True, kw_only=True)
class CodeRow:
    """A release for whoever knows a code, which is good as long as the release is open."""

    release: Code
    label: Name
    uses_max: Annotated[int, Strict(), Field(ge=1, le=USES_MAX)]


@dataclass(frozen=True, kw_only=True)
class AwardRow:
    """A release that is earned: by using a voucher of `source` for an order of `min_order_fen`."""

    release: Code
    source: Code
    min_order_fen: Fen
    per_person: PerPerson = 1


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """Seats of a release that are kept for residents of `min_age` completed years."""

    release: Code
    name: Name
    min_age: AdultAge
    seats: Seats
    opens_to_all: When | None = None


@dataclass(frozen=True, kw_only=True)
class WaitingRoomRow:
    """A release with a waiting room; it opens so many minutes after the season is loaded."""

    release: Code
    opens_in_min: Annotated[int, Strict(), Field(ge=1, le=1440)]


@dataclass(frozen=True, kw_only=True)
class SeasonFile:
    """A whole season, read and found without fault."""

    district: DistrictRow
    season: SeasonRow
    vocabulary: VocabularyRow
    streets: tuple[StreetRow, ...]
    boards: tuple[BoardRow, ...]
    series: tuple[SeriesRow, ...]
    events: tuple[EventRow, ...]
    merchants: tuple[MerchantRow, ...]
    stores: tuple[StoreRow, ...]
    campaigns: tuple[CampaignRow, ...]
    releases: tuple[ReleaseRow, ...]
    draws: tuple[DrawRow, ...]
    codes: tuple[CodeRow, ...]
    awards: tuple[AwardRow, ...]
    groups: tuple[GroupRow, ...]
    waiting_rooms: tuple[WaitingRoomRow, ...]
    providers: tuple[ProviderRow, ...]
    anchors: tuple[AnchorRow, ...]
    scenes: tuple[SceneRow, ...]
    goods: tuple[GoodRow, ...]
