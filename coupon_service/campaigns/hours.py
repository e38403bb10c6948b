"""When a campaign's vouchers work: weekdays, hours that may cross midnight, time slots. Pure.

Times are local. A window is half-open; one that ends no later than it begins ends on the next day,
and belongs to the day on which it begins: Friday's night lasts until Saturday's small hours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self

from coupon_service.core.clock import LOCAL_ZONE, local_date

WEEKDAYS = range(1, 8)  # ISO: Monday is 1
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """Local times; from midnight to midnight is the whole day."""

    begins: time
    ends: time

    @classmethod
    def of(cls, stored: Sequence[str]) -> Self:
        """A pair such as `["18:00", "02:00"]`."""
        begins, ends = map(time.fromisoformat, stored)
        return cls(begins, ends)

    def on(self, day: date) -> tuple[datetime, datetime]:
        """The interval that begins on this local day."""
        last_day = day if self.begins < self.ends else day + _DAY
        return (
            datetime.combine(day, self.begins, LOCAL_ZONE).astimezone(UTC),
            datetime.combine(last_day, self.ends, LOCAL_ZONE).astimezone(UTC),
        )


_WHOLE_DAY = Window(time(), time())


def overlap(one: Window, other: Window) -> bool:
    """Whether the two have a moment in common, of the same day or of neighbouring ones."""
    day = date(2026, 1, 5)  # any will do
    starts_at, ends_at = one.on(day)
    return any(
        starts < ends_at and starts_at < ends
        for starts, ends in (other.on(day + n * _DAY) for n in (-1, 0, 1))
    )


@dataclass(frozen=True)
class Hours:
    """The weekdays and windows of a campaign's scope, in which all its vouchers work."""

    weekdays: frozenset[int]
    windows: tuple[Window, ...]

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Self | None:
        """What a scope says under `weekdays` and `hours`; none if it limits neither."""
        if "weekdays" not in scope and "hours" not in scope:
            return None
        windows = tuple(Window.of(pair) for pair in scope.get("hours", ()))
        return cls(frozenset(scope.get("weekdays", WEEKDAYS)), windows or (_WHOLE_DAY,))

    def open_at(self, moment: datetime) -> bool:
        """Whether one of the windows is open; it may be yesterday's."""
        today = local_date(moment)
        return any(
            starts_at <= moment < ends_at
            for day in (today, today - _DAY)
            if self.on_weekday_of(day)
            for starts_at, ends_at in (window.on(day) for window in self.windows)
        )

    def next_open(self, moment: datetime) -> datetime:
        """The moment itself if a window is open then, else when the next one opens."""
        if self.open_at(moment):
            return moment
        today = local_date(moment)
        return min(
            starts_at
            for day in (today + n * _DAY for n in range(8))
            if self.on_weekday_of(day)
            for starts_at, _ in (window.on(day) for window in self.windows)
            if starts_at > moment
        )

    def on_weekday_of(self, day: date) -> bool:
        """Whether the weekday is one of those on which windows begin."""
        return day.isoweekday() in self.weekdays


@dataclass(frozen=True)
class Slot:
    """One window of one day, and how many vouchers of the campaign a store takes in it."""

    starts_at: datetime
    ends_at: datetime
    capacity: int


def slot_at(slots: Sequence[Mapping[str, Any]], moment: datetime) -> Slot | None:
    """The slot that the moment lies in; slots of a campaign do not overlap.

    A slot is stored as `{"hours": ["11:00", "13:30"], "capacity": 30}`, with `from_day` and
    `until_day` (the first day without it) where it is not for every day.
    """
    today = local_date(moment)
    for slot in slots:
        window = Window.of(slot["hours"])
        for day in (today, today - _DAY):
            starts_at, ends_at = window.on(day)
            if starts_at <= moment < ends_at and _has_day(slot, day):
                return Slot(starts_at, ends_at, slot["capacity"])
    return None


def _has_day(slot: Mapping[str, Any], day: date) -> bool:
    # Days as text are in the order of time.
    text = day.isoformat()
    return slot.get("from_day", text) <= text and (
        "until_day" not in slot or text < slot["until_day"]
    )
