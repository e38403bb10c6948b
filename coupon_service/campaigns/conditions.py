"""The conditions of use that officials set: when, for which goods, with which other vouchers."""

from datetime import date
from itertools import combinations
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from coupon_service.campaigns.hours import Window, overlap
from coupon_service.campaigns.models import SEATS_MAX, Campaign, Stacking
from coupon_service.campaigns.terms import GoodsKind

ENTRIES_MAX = 10
T = TypeVar("T", int, GoodsKind)

Weekday = Annotated[int, Field(strict=True, ge=1, le=7)]
LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
# From, and to; to no later than from is on the next day.
LocalHours = tuple[LocalTime, LocalTime]


def _each_once(entries: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(sorted(set(entries)))


class SlotOfUse(BaseModel):
    """A window in which each store takes `capacity` vouchers a day.

    From `from_day` to the day before `until_day`, or on all days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: LocalHours
    capacity: int = Field(strict=True, ge=1, le=SEATS_MAX)
    from_day: date | None = None
    until_day: date | None = None

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if (self.from_day is None) != (self.until_day is None):
            raise ValueError("from_day and until_day go together")
        if self.from_day and self.until_day and self.from_day >= self.until_day:
            raise ValueError("from_day must come before until_day")
        return self

    def meets(self, other: Self) -> bool:
        """Whether there is a moment in both."""
        # A day's window may last into the next day, so neighbouring days are not apart.
        apart = _ends_before(self.until_day, other.from_day) or _ends_before(
            other.until_day, self.from_day
        )
        return not apart and overlap(Window.of(self.hours), Window.of(other.hours))


class ConditionsOfUse(BaseModel):
    """What limits the use of a campaign's vouchers besides stores and amounts.

    Attributes:
        weekdays: ISO, Monday is 1; none: all of them.
        hours: local times; a night belongs to the day on which it begins; none: all day.
        excluded_goods: besides those that no voucher is for.
        per_order_max: with `stacking` `any` only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekdays: Annotated[tuple[Weekday, ...], AfterValidator(_each_once)] = ()
    hours: tuple[LocalHours, ...] = Field(default=(), max_length=ENTRIES_MAX)
    slots: tuple[SlotOfUse, ...] = Field(default=(), max_length=ENTRIES_MAX)
    excluded_goods: Annotated[tuple[GoodsKind, ...], AfterValidator(_each_once)] = ()
    stacking: Stacking = Stacking.ALONE
    per_order_max: int | None = Field(default=None, strict=True, ge=2, le=10)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.per_order_max is not None and self.stacking != Stacking.ANY:
            raise ValueError("per_order_max goes with stacking any")
        if any(one.meets(other) for one, other in combinations(self.slots, 2)):
            raise ValueError("slots overlap")
        return self

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """What a campaign has in its columns."""
        return cls.model_validate(
            {
                "weekdays": campaign.scope.get("weekdays", ()),
                "hours": campaign.scope.get("hours", ()),
                "slots": campaign.slots,
                "excluded_goods": campaign.excluded_goods,
                "stacking": campaign.stacking,
                "per_order_max": campaign.per_order_max,
            }
        )

    def times(self) -> dict[str, Any]:
        """Weekdays and hours as a campaign's scope keeps them."""
        times: dict[str, Any] = {}
        if self.weekdays:
            times["weekdays"] = list(self.weekdays)
        if self.hours:
            times["hours"] = [list(hours) for hours in self.hours]
        return times

    def stored_slots(self) -> list[dict[str, Any]]:
        """Slots as a campaign keeps them."""
        return [slot.model_dump(mode="json", exclude_none=True) for slot in self.slots]


def _ends_before(until_day: date | None, from_day: date | None) -> bool:
    return until_day is not None and from_day is not None and until_day < from_day
