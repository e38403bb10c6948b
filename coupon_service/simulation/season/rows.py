"""The rows of a season's files: what each must hold, with a bound on everything.

Amounts are integer fen. Moments are local and may count from the load day (see `moments`).
"""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints

from coupon_service.campaigns.models import SEATS_MAX, Channel, RefundPolicy, ThresholdBasis
from coupon_service.core.money import BASIS_POINTS, MAX_FEN
from coupon_service.simulation.season.faults import text_fault
from coupon_service.simulation.season.moments import Moment, parse_moment
from redemption.ar.models import ArOutcome

# What the city's season of 2022 calls its eight boards; a district's boards are tagged with them.
CITY_BOARDS = ("首秀", "时尚", "潮购", "智惠", "文享", "炫彩", "寻味", "品质")

ENTRIES_MAX = 200
# As many as there are demo residents.
DEMO_CLAIMS_MAX = 8


class StoreChannel(StrEnum):
    ONSITE = "onsite"
    VIRTUAL = "virtual"


@dataclass(frozen=True)
class Hours:
    """Local opening hours. `closes` before `opens` is on the next day; equal is always open."""

    opens: time
    closes: time


def _plain(text: str) -> str:
    fault = text_fault(text)
    if fault:
        raise ValueError(fault)
    return text


def _lower_code(text: str) -> str:
    if not text.isascii() or not text.replace("-", "").isalnum() or text != text.lower():
        raise ValueError("must be small letters a-z, digits and hyphens")
    if text.startswith("-"):
        raise ValueError("must begin with a letter or a digit")
    return text


def _account_number(text: str) -> str:
    if not text.isascii() or not text.isdigit() or not 8 <= len(text) <= 30:
        raise ValueError("must be 8 to 30 digits")
    return text


def _moment(value: object) -> Moment:
    if not isinstance(value, str):
        raise ValueError("must look like day+3 10:00, fri+1 10:00 or 2022-08-01 10:00")
    return parse_moment(value)


def _hours(value: object) -> Hours:
    opens, dash, closes = value.partition("-") if isinstance(value, str) else ("", "", "")
    try:
        if not dash or len(opens) != 5 or len(closes) != 5:
            raise ValueError
        return Hours(
            time.fromisoformat(opens),
            time() if closes == "24:00" else time.fromisoformat(closes),
        )
    except ValueError:
        raise ValueError("must look like 10:00-22:00, or 17:00-02:00 past midnight") from None


def _bounded(length: int) -> StringConstraints:
    return StringConstraints(min_length=1, max_length=length)


Code = Annotated[str, _bounded(40), AfterValidator(_lower_code)]
Name = Annotated[str, _bounded(80), AfterValidator(_plain)]
Sentence = Annotated[str, _bounded(200), AfterValidator(_plain)]
AccountNumber = Annotated[str, AfterValidator(_account_number)]
Fen = Annotated[int, Strict(), Field(ge=0, le=MAX_FEN)]
PositiveFen = Annotated[int, Strict(), Field(ge=1, le=MAX_FEN)]
Latitude = Annotated[float, Strict(), Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Strict(), Field(ge=-180, le=180, allow_inf_nan=False)]
YesNo = Annotated[bool, Strict()]
When = Annotated[Moment, BeforeValidator(_moment)]
OpeningHours = Annotated[Hours, BeforeValidator(_hours)]
Names = Annotated[tuple[Name, ...], Field(max_length=ENTRIES_MAX)]
Codes = Annotated[tuple[Code, ...], Field(max_length=ENTRIES_MAX)]
Channels = Annotated[tuple[Channel, ...], Field(min_length=1, max_length=len(Channel))]


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
class CampaignRow:
    """Terms. A fixed coupon has `face_fen`; a percentage has `rate_bp` and `cap_fen`."""

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
    valid_from: When | None = None
    valid_until: When | None = None
    valid_days: Annotated[int, Strict(), Field(ge=1, le=366)] | None = None
    per_person: Annotated[int, Strict(), Field(ge=1, le=100)] = 1
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
    quantity: Annotated[int, Strict(), Field(ge=1, le=SEATS_MAX)]
    opens: When
    closes: When
    demo_claims: Annotated[int, Strict(), Field(ge=0, le=DEMO_CLAIMS_MAX)] = 0


@dataclass(frozen=True, kw_only=True)
class ProviderRow:
    code: Code
    name: Name


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
    providers: tuple[ProviderRow, ...]
    anchors: tuple[AnchorRow, ...]
