"""Moments of a season file: a calendar date, or counted from the day the season is loaded.

A demo whose releases were written as dates would be over the day after. `day-7 00:00` is seven
days before the load; `fri+1 10:00` is the Friday of the week after the load's week (Monday to
Sunday). All times are local (Asia/Shanghai).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from coupon_service.core.clock import LOCAL_ZONE

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOMENT = re.compile(
    r"(?:(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})|(?P<anchor>day|" + "|".join(_WEEKDAYS) + r")"
    r"(?P<count>[+-][0-9]{1,3}))[ ](?P<clock>[0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True)
class Moment:
    """A local time on a date, or on a day counted from the load day.

    Attributes:
        day: the date, when it is fixed; otherwise `anchor` and `count` say how to find it.
        anchor: `day`, or a weekday's first three letters.
        count: days for `day`, weeks for a weekday.
    """

    at: time
    day: date | None = None
    anchor: str = "day"
    count: int = 0

    def on(self, load_day: date) -> datetime:
        """The moment, in UTC, of a season loaded on that local day."""
        return datetime.combine(self._date(load_day), self.at, LOCAL_ZONE).astimezone(UTC)

    def _date(self, load_day: date) -> date:
        if self.day is not None:
            return self.day
        if self.anchor == "day":
            return load_day + timedelta(days=self.count)
        monday = load_day - timedelta(days=load_day.weekday())
        return monday + timedelta(days=_WEEKDAYS.index(self.anchor), weeks=self.count)


def parse_moment(text: str) -> Moment:
    """Read `2022-08-01 10:00`, `day-7 00:00` or `fri+1 10:00`.

    Raises:
        ValueError: with the rest of a sentence that begins with the field's name.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("must look like day+3 10:00, fri+1 10:00 or 2022-08-01 10:00")
    try:
        at = time.fromisoformat(match["clock"])
        day = date.fromisoformat(match["date"]) if match["date"] else None
    except ValueError:
        raise ValueError("names a day or a time that does not exist") from None
    if day is not None:
        return Moment(at, day=day)
    return Moment(at, anchor=match["anchor"], count=int(match["count"]))
