"""Who may claim: conditions as data."""

from datetime import date
from uuid import uuid4

import pytest
from pydantic import ValidationError

from coupon_service.campaigns.eligibility import Condition, Eligibility, Person, age_y, unmet

TODAY = date(2026, 11, 21)
ADULT = Person(born_on=date(1980, 5, 17), area_code="110102")


def judged(person: Person, *, by_guardian: bool = False, **conditions: object) -> Condition | None:
    terms = Eligibility.of(conditions)
    return unmet(terms, person, today=TODAY, by_guardian=by_guardian)


def born(year: int, month: int = 5, day: int = 17) -> Person:
    return Person(born_on=date(year, month, day), area_code="110102")


def test_an_adult_meets_a_campaign_without_conditions() -> None:
    assert judged(ADULT) is None


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        (born(2008, 11, 21), None),  # eighteen today
        (born(2008, 11, 22), Condition.TOO_YOUNG),  # eighteen tomorrow
    ],
)
def test_one_comes_of_age_on_the_birthday(person: Person, expected: Condition | None) -> None:
    assert judged(person) == expected


def test_whose_birth_is_unknown_is_no_adult() -> None:
    assert judged(Person(born_on=None, area_code=None)) == Condition.TOO_YOUNG


def test_a_minor_claims_through_a_guardian_and_not_alone() -> None:
    child = born(2015)
    assert judged(child, min_age=6) == Condition.GUARDIAN_NEEDED
    assert judged(child, min_age=6, by_guardian=True) is None
    assert judged(child, min_age=12, by_guardian=True) == Condition.TOO_YOUNG
    assert judged(child, by_guardian=True) == Condition.TOO_YOUNG


def test_both_ends_of_an_age_range_are_within_it() -> None:
    assert judged(born(1966, 11, 21), min_age=60, max_age=70) is None
    assert judged(born(1966, 11, 22), min_age=60, max_age=70) == Condition.TOO_YOUNG
    assert judged(born(1955, 11, 22), min_age=60, max_age=70) is None
    assert judged(born(1955, 11, 21), min_age=60, max_age=70) == Condition.TOO_OLD


def test_an_area_is_the_beginning_of_the_code_of_the_place() -> None:
    assert judged(ADULT, areas=["110102"]) is None
    assert judged(ADULT, areas=["31", "1101"]) is None
    assert judged(ADULT, areas=["110101"]) == Condition.OTHER_AREA
    assert judged(Person(ADULT.born_on, None), areas=["11"]) == Condition.OTHER_AREA


def test_lists_and_history_decide_where_they_are_asked() -> None:
    list_id = uuid4()
    assert judged(ADULT, list_id=str(list_id)) == Condition.NOT_ON_LIST
    listed = Person(ADULT.born_on, ADULT.area_code, lists=frozenset({list_id}))
    assert judged(listed, list_id=str(list_id)) is None
    known = Person(ADULT.born_on, ADULT.area_code, claimed_before=True, holds_another=True)
    assert judged(known) is None
    assert judged(known, first_time=True) == Condition.CLAIMED_BEFORE
    assert judged(known, holds_no_other=True) == Condition.HOLDS_ANOTHER


@pytest.mark.parametrize(
    "terms",
    [
        {"min_age": 70, "max_age": 60},
        {"min_age": -1},
        {"areas": ["Beijing"]},
        {"list_id": "everybody"},
        {"minimum_age": 18},
    ],
)
def test_conditions_that_make_no_sense_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Eligibility.of(terms)


def test_somebody_born_on_a_leap_day_turns_older_on_the_first_of_march() -> None:
    leap = date(2008, 2, 29)
    assert age_y(leap, date(2026, 2, 28)) == 17
    assert age_y(leap, date(2026, 3, 1)) == 18
    assert age_y(leap, date(2024, 2, 29)) == 16
