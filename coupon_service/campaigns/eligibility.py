"""Who may have a campaign's vouchers, as data: the conditions, judged purely."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

ADULT_AGE_Y = 18
AGE_MAX_Y = 130

AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")]


class Condition(StrEnum):
    """Which condition somebody does not meet; machine-readable."""

    GUARDIAN_NEEDED = "guardian-needed"
    TOO_YOUNG = "too-young"
    TOO_OLD = "too-old"
    OTHER_AREA = "other-area"
    NOT_ON_LIST = "not-on-list"
    CLAIMED_BEFORE = "claimed-before"
    HOLDS_ANOTHER = "holds-another"


class Eligibility(BaseModel):
    """The conditions of a campaign or of a group with its own quota. All present ones must hold.

    Attributes:
        min_age, max_age: whole years on the local day of the claim, both inclusive. A minor never
            claims alone: below `ADULT_AGE_Y`, a guardian has to act.
        areas: beginnings of the code of the place that issued the ID number (GB/T 2260).
        list_id: a list of residents.
        first_time: no other release of the season has given them a voucher.
        holds_no_other: they hold no other unused voucher of the season.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_age: int = Field(default=ADULT_AGE_Y, ge=0, le=AGE_MAX_Y)
    max_age: int | None = Field(default=None, ge=0, le=AGE_MAX_Y)
    areas: tuple[AreaCode, ...] = ()
    list_id: UUID | None = None
    first_time: bool = False
    holds_no_other: bool = False

    @model_validator(mode="after")
    def _ages_in_order(self) -> Self:
        if self.max_age is not None and self.max_age < self.min_age:
            raise ValueError("max_age must not be less than min_age")
        return self

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """What a campaign or a quota has in its column."""
        return cls.model_validate(stored)

    @property
    def asks_history(self) -> bool:
        """Whether other vouchers of the person decide."""
        return self.first_time or self.holds_no_other


@dataclass(frozen=True)
class Person:
    """What of a resident the conditions look at; `lists` are those asked for that they are on."""

    born_on: date | None
    area_code: str | None
    lists: frozenset[UUID] = frozenset()
    claimed_before: bool = False
    holds_another: bool = False


def unmet(
    eligibility: Eligibility, person: Person, *, today: date, by_guardian: bool
) -> Condition | None:
    """The first condition the person does not meet, or None if they may claim.

    `by_guardian` says that somebody entitled to acts for them.
    """
    return _unmet_by_age(eligibility, person, today, by_guardian) or _unmet_otherwise(
        eligibility, person
    )


def age_y(born_on: date, today: date) -> int:
    """Completed years of age. Somebody born on 29 February turns older on 1 March."""
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def _unmet_by_age(
    eligibility: Eligibility, person: Person, today: date, by_guardian: bool
) -> Condition | None:
    # Whose age is not known is nobody's idea of an adult.
    age = -1 if person.born_on is None else age_y(person.born_on, today)
    if age < eligibility.min_age:
        return Condition.TOO_YOUNG
    if eligibility.max_age is not None and age > eligibility.max_age:
        return Condition.TOO_OLD
    if age < ADULT_AGE_Y and not by_guardian:
        return Condition.GUARDIAN_NEEDED
    return None


def _unmet_otherwise(eligibility: Eligibility, person: Person) -> Condition | None:
    if eligibility.areas and not (person.area_code or "").startswith(eligibility.areas):
        return Condition.OTHER_AREA
    if eligibility.list_id is not None and eligibility.list_id not in person.lists:
        return Condition.NOT_ON_LIST
    if eligibility.first_time and person.claimed_before:
        return Condition.CLAIMED_BEFORE
    if eligibility.holds_no_other and person.holds_another:
        return Condition.HOLDS_ANOTHER
    return None
