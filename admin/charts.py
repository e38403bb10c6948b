"""Geometry of the overview's bars. Pure; the templates draw it as SVG without a style attribute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from admin.figures import ShownDay
from admin.totals import Tally
from coupon_service.core.money import share_half_up

BAR_WIDTH = 1000
# A part that exists is seen, however small.
SEGMENT_WIDTH_MIN = 6

CHART_HEIGHT = 100
DAY_WIDTH = 10
DAYS_SHOWN = 30
# How high the stump of a day is whose count is too small to show.
HIDDEN_HEIGHT = 3


@dataclass(frozen=True)
class Segment:
    """A part of a stacked bar that is `BAR_WIDTH` wide."""

    kind: str
    x: int
    width: int


@dataclass(frozen=True)
class DayBar:
    """A day of a chart. `value` is None when it is too small to show."""

    day: date
    x: int
    y: int
    height: int
    value: int | None


@dataclass(frozen=True)
class DayChart:
    """Bars of the last days up to the newest, and the highest value among them."""

    bars: Sequence[DayBar]
    highest: int

    @property
    def width(self) -> int:
        return len(self.bars) * DAY_WIDTH


def money_parts(tally: Tally, *, unallocated_fen: int = 0) -> dict[str, int]:
    """What became of a node's money, in fen, in the order of its way out."""
    return {
        "paid": tally.paid_fen,
        "in_flight": tally.in_flight_fen,
        "payable": tally.payable_fen,
        "held": tally.held_fen,
        "reserved": tally.reserved_fen,
        "left": tally.left_fen + unallocated_fen,
    }


def stacked(parts: Mapping[str, int]) -> list[Segment]:
    """The parts side by side, all but the last, which is the bar's ground."""
    whole = sum(parts.values())
    segments, x = [], 0
    for kind, amount in list(parts.items())[:-1]:
        if amount <= 0:
            continue
        width = max(SEGMENT_WIDTH_MIN, share_half_up(BAR_WIDTH, amount, whole))
        width = min(width, BAR_WIDTH - x)
        segments.append(Segment(kind, x, width))
        x += width
    return segments


def day_chart(days: Sequence[ShownDay], value: str, last: date) -> DayChart:
    """The field `value` of the last `DAYS_SHOWN` days up to `last`, days without anything too."""
    known = {day.day: day for day in days}
    shown = [last - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]
    values = [getattr(known[day], value) if day in known else 0 for day in shown]
    highest = max((number for number in values if number), default=0)
    bars = []
    for index, (day, number) in enumerate(zip(shown, values, strict=True)):
        height = HIDDEN_HEIGHT if number is None else _height(number, highest)
        bars.append(DayBar(day, index * DAY_WIDTH, CHART_HEIGHT - height, height, number))
    return DayChart(bars, highest)


def _height(number: int, highest: int) -> int:
    return max(1, share_half_up(CHART_HEIGHT, number, highest)) if number else 0
