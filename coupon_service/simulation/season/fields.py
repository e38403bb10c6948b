"""The kinds of values in a season's files: how each is written, and its bound."""

from dataclasses import dataclass
from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints

from coupon_service.campaigns.eligibility import ADULT_AGE_Y, AGE_MAX_Y
from coupon_service.campaigns.models import SEATS_MAX, Channel
from coupon_service.core.money import MAX_FEN
from coupon_service.simulation.season.faults import text_fault
from coupon_service.simulation.season.moments import Moment, parse_moment

ENTRIES_MAX = 200


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
Windows = Annotated[tuple[OpeningHours, ...], Field(max_length=10)]
Weekdays = Annotated[tuple[Annotated[int, Strict(), Field(ge=1, le=7)], ...], Field(max_length=7)]
Names = Annotated[tuple[Name, ...], Field(max_length=ENTRIES_MAX)]
Codes = Annotated[tuple[Code, ...], Field(max_length=ENTRIES_MAX)]
Channels = Annotated[tuple[Channel, ...], Field(min_length=1, max_length=len(Channel))]
AdultAge = Annotated[int, Strict(), Field(ge=ADULT_AGE_Y, le=AGE_MAX_Y)]
PerPerson = Annotated[int, Strict(), Field(ge=1, le=100)]
Seats = Annotated[int, Strict(), Field(ge=1, le=SEATS_MAX)]
