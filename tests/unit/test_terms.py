"""Terms at the till: where money counts, when a voucher works, and which vouchers go together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from coupon_service.campaigns.combine import Candidate, WhyNot, combine
from coupon_service.campaigns.conditions import ConditionsOfUse
from coupon_service.campaigns.hours import Hours, slot_at
from coupon_service.campaigns.models import Campaign, Stacking, ThresholdBasis
from coupon_service.campaigns.terms import (
    Order,
    Unusable,
    discount_fen,
    excluded_fen,
    unusable_when,
)
from coupon_service.core.clock import LOCAL_ZONE

EXPIRES = datetime(2026, 12, 31, 16, tzinfo=UTC)
# 2026-11-20 is a Friday.
FRIDAY, SATURDAY, SUNDAY, MONDAY = (f"2026-11-{day}" for day in (20, 21, 22, 23))
FRIDAY_NIGHTS = {"weekdays": [5], "hours": [["18:00", "02:00"]]}
LUNCH = {"hours": ["11:00", "13:30"], "capacity": 30}


def campaign(number: int = 1, **terms: Any) -> Campaign:
    """20 yuan off from 50, with others."""
    defaults: dict[str, Any] = {
        "id": UUID(int=number),
        "name": f"活动{number}",
        "face_fen": 2_000,
        "rate_bp": None,
        "threshold_fen": 5_000,
        "threshold_basis": ThresholdBasis.AFTER,
        "min_pay_fen": 1,
        "scope": {},
        "excluded_goods": [],
        "stacking": Stacking.WITH_OTHERS,
        "per_order_max": None,
    }
    return Campaign(**(defaults | terms))


def several(*campaigns: Campaign) -> list[Candidate]:
    """One voucher of each, in the order of their expiry."""
    return [
        Candidate(UUID(int=100 + n), one, EXPIRES + timedelta(days=n))
        for n, one in enumerate(campaigns)
    ]


def order(after_discount_fen: int, **goods: int) -> Order:
    return Order(after_discount_fen, after_discount_fen, goods)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE)


def reasons(outcomes: Sequence[int | WhyNot]) -> list[int | Unusable]:
    return [one.reason if isinstance(one, WhyNot) else one for one in outcomes]


@pytest.mark.parametrize(
    ("scope", "moment", "found"),
    [
        ({}, f"{MONDAY} 03:00", None),
        ({"weekdays": [1, 2, 3, 4, 5]}, f"{FRIDAY} 23:59:59", None),
        ({"weekdays": [1, 2, 3, 4, 5]}, f"{SATURDAY} 00:00", Unusable.WRONG_WEEKDAY),
        ({"weekdays": [1, 2, 3, 4, 5]}, f"{MONDAY} 00:00", None),
        ({"hours": [["11:00", "13:30"]]}, f"{MONDAY} 10:59:59", Unusable.OUTSIDE_HOURS),
        ({"hours": [["11:00", "13:30"]]}, f"{MONDAY} 11:00", None),
        ({"hours": [["11:00", "13:30"]]}, f"{MONDAY} 13:30", Unusable.OUTSIDE_HOURS),
        ({"hours": [["11:00", "13:30"], ["17:00", "00:00"]]}, f"{MONDAY} 23:59:59", None),
        # The night belongs to the Friday on which it begins.
        (FRIDAY_NIGHTS, f"{FRIDAY} 01:00", Unusable.OUTSIDE_HOURS),
        (FRIDAY_NIGHTS, f"{FRIDAY} 18:00", None),
        (FRIDAY_NIGHTS, f"{SATURDAY} 00:00", None),
        (FRIDAY_NIGHTS, f"{SATURDAY} 01:59:59", None),
        (FRIDAY_NIGHTS, f"{SATURDAY} 02:00", Unusable.WRONG_WEEKDAY),
        (FRIDAY_NIGHTS, f"{SATURDAY} 18:00", Unusable.WRONG_WEEKDAY),
    ],
)
def test_a_voucher_works_in_its_weekdays_and_hours_only(
    scope: dict[str, Any], moment: str, found: Unusable | None
) -> None:
    assert unusable_when(campaign(scope=scope), local(moment)) == found


@given(
    weekdays=st.sets(st.integers(1, 7), min_size=1),
    windows=st.lists(st.tuples(st.times(), st.times()), max_size=3),
    seconds=st.integers(0, 3 * 7 * 24 * 3600),
)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    weekdays: set[int], windows: list[Any], seconds: int
) -> None:
    texts = [[begins.isoformat(), ends.isoformat()] for begins, ends in windows]
    hours = Hours.of({"weekdays": sorted(weekdays), "hours": texts})
    assert hours is not None
    moment = local(f"{MONDAY} 00:00") + timedelta(seconds=seconds)
    opens = hours.next_open(moment)
    assert hours.open_at(opens)
    assert moment <= opens < moment + timedelta(days=8)
    halfway = moment + (opens - moment) / 2
    assert opens == moment or not (hours.open_at(moment) or hours.open_at(halfway))


@pytest.mark.parametrize(
    ("slot", "moment", "starts"),
    [
        (LUNCH, f"{MONDAY} 10:59", None),
        (LUNCH, f"{MONDAY} 11:00", f"{MONDAY} 11:00"),
        (LUNCH, f"{MONDAY} 13:30", None),
        (LUNCH | {"from_day": MONDAY}, f"{SUNDAY} 12:00", None),
        (LUNCH | {"until_day": MONDAY}, f"{SUNDAY} 12:00", f"{SUNDAY} 11:00"),
        (LUNCH | {"until_day": MONDAY}, f"{MONDAY} 12:00", None),
        # The last night lasts into the day without it.
        (
            {"hours": ["18:00", "02:00"], "capacity": 5, "until_day": MONDAY},
            f"{MONDAY} 01:00",
            f"{SUNDAY} 18:00",
        ),
    ],
)
def test_a_moment_lies_in_the_slot_of_the_day_on_which_it_begins(
    slot: dict[str, Any], moment: str, starts: str | None
) -> None:
    found = slot_at([slot], local(moment))
    assert (None if found is None else found.starts_at) == (starts and local(starts))
    assert found is None or found.capacity == slot["capacity"]


@pytest.mark.parametrize(
    ("terms", "bought", "found"),
    [
        # 60 with 15 of tobacco: 45 count, by rule.
        ({}, order(6_000, tobacco=1_500), Unusable.BELOW_THRESHOLD),
        ({}, order(6_500, tobacco=1_500), 2_000),
        ({}, order(6_500, liquor=1_500), 2_000),
        ({"excluded_goods": ["liquor"]}, order(6_500, liquor=1_501), Unusable.BELOW_THRESHOLD),
        ({}, order(6_000, prepaid_card=6_000), Unusable.GOODS_EXCLUDED),
        # The threshold may be judged before the discount; both amounts lose the goods.
        (
            {"threshold_basis": ThresholdBasis.BEFORE},
            Order(7_000, 4_000, {"recharge": 2_000}),
            1_999,
        ),
        (
            {"threshold_basis": ThresholdBasis.BEFORE},
            Order(6_999, 4_000, {"recharge": 2_000}),
            Unusable.BELOW_THRESHOLD,
        ),
        # 10 % of the other goods, half up; then the cap.
        ({"rate_bp": 1_000, "threshold_fen": 0}, order(1_055, tobacco=50), 101),
        ({"rate_bp": 1_000, "threshold_fen": 0}, order(99_999), 2_000),
        ({"threshold_fen": 0, "min_pay_fen": 500}, order(1_500), 1_000),
        ({"threshold_fen": 0, "min_pay_fen": 500}, order(500), Unusable.NOTHING_TO_TAKE_OFF),
    ],
)
def test_goods_that_are_excluded_neither_count_nor_are_paid_for(
    terms: dict[str, Any], bought: Order, found: int | Unusable
) -> None:
    assert discount_fen(campaign(**terms), bought) == found
    (same,) = combine(several(campaign(**terms)), bought)
    assert reasons([same]) == [found]


@pytest.mark.parametrize(
    ("campaigns", "fen", "found"),
    [
        # 满100可用一张，满200可用两张.
        ([campaign(1), campaign(2)], 10_000, [2_000, 2_000]),
        ([campaign(1), campaign(2)], 9_999, [2_000, Unusable.BELOW_THRESHOLD_TOGETHER]),
        ([campaign(1), campaign(1)], 10_000, [2_000, Unusable.PER_ORDER_MAX]),
        (
            [campaign(1, stacking=Stacking.ALONE), campaign(2, face_fen=3_000)],
            50_000,
            [Unusable.CANNOT_BE_COMBINED, 3_000],
        ),
        ([campaign(1, stacking=Stacking.ANY)] * 3, 15_000, [2_000] * 3),
        (
            [campaign(1, stacking=Stacking.ANY, per_order_max=2)] * 3,
            15_000,
            [2_000, 2_000, Unusable.PER_ORDER_MAX],
        ),
        # The fixed one first; then 50 % of the 80 that are left.
        (
            [campaign(1, rate_bp=5_000, face_fen=9_000), campaign(2)],
            10_000,
            [4_000, 2_000],
        ),
        # Two of 40 off are better than one of 60.
        (
            [
                campaign(1, face_fen=6_000, threshold_fen=20_000),
                campaign(2, face_fen=4_000, threshold_fen=10_000),
                campaign(3, face_fen=4_000, threshold_fen=10_000),
            ],
            20_000,
            [Unusable.BELOW_THRESHOLD_TOGETHER, 4_000, 4_000],
        ),
        # The larger one leaves nothing, so the smaller one is kept for another day.
        (
            [campaign(1, threshold_fen=0), campaign(2, threshold_fen=0, face_fen=3_000)],
            2_500,
            [Unusable.NOTHING_TO_TAKE_OFF, 2_499],
        ),
    ],
)
def test_vouchers_of_one_order_are_used_together_as_far_as_they_go_together(
    campaigns: list[Campaign], fen: int, found: list[int | Unusable]
) -> None:
    assert reasons(combine(several(*campaigns), order(fen))) == found


def test_of_equals_the_one_that_expires_first_is_used() -> None:
    first, second = several(campaign(1), campaign(2))
    sooner = replace(second, expires_at=first.expires_at - timedelta(seconds=1))
    assert reasons(combine([first, sooner], order(5_000))) == [
        Unusable.BELOW_THRESHOLD_TOGETHER,
        2_000,
    ]


def test_an_explanation_tells_amounts_and_names() -> None:
    small, large = several(campaign(1), campaign(2, threshold_fen=8_000, face_fen=3_000))
    why = combine([small, large], order(9_000, tobacco=500))[0]
    assert isinstance(why, WhyNot)
    assert why.facts == {"threshold_fen": 13_000, "counted_fen": 8_500}
    single = several(campaign(1), campaign(2, stacking=Stacking.ALONE, face_fen=3_000))
    why = combine(single, order(20_000))[0]
    assert why == WhyNot(Unusable.CANNOT_BE_COMBINED, {"campaigns": ["活动2"]})


NIGHT = {"hours": ["18:00", "02:00"], "capacity": 5}
WEEK = {"from_day": "2026-11-16", "until_day": "2026-11-23"}


@pytest.mark.parametrize(
    "conditions",
    [
        {"weekdays": [0]},
        {"weekdays": [8]},
        {"hours": [["25:00", "26:00"]]},
        {"hours": [["1:00", "2:00"]]},
        {"hours": [["10:00"]]},
        {"slots": [LUNCH | {"capacity": 0}]},
        {"slots": [LUNCH, LUNCH | {"hours": ["13:00", "14:00"]}]},
        {"slots": [NIGHT, LUNCH | {"hours": ["01:00", "03:00"]}]},
        {"slots": [LUNCH | WEEK, LUNCH | {"from_day": SUNDAY, "until_day": "2026-11-30"}]},
        {"slots": [LUNCH | {"from_day": MONDAY}]},
        {"slots": [LUNCH | {"from_day": MONDAY, "until_day": MONDAY}]},
        {"excluded_goods": ["tabacco"]},
        {"stacking": "with_others", "per_order_max": 2},
        {"stacking": "any", "per_order_max": 1},
        {"threshold_fen": 0},
    ],
)
def test_conditions_that_contradict_themselves_are_refused(conditions: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ConditionsOfUse.model_validate(conditions)


def test_slots_side_by_side_and_on_days_apart_are_fine() -> None:
    next_week = {"from_day": "2026-11-24", "until_day": "2026-11-30"}
    slots = [LUNCH | WEEK, NIGHT, LUNCH | next_week, LUNCH | {"hours": ["13:30", "18:00"]}]
    stored = ConditionsOfUse.model_validate({"slots": slots}).stored_slots()
    assert stored == slots


KINDS = ("tobacco", "liquor", "gold")


@st.composite
def campaigns_drawn(draw: st.DrawFn, number: int) -> Campaign:
    stacking = draw(st.sampled_from([Stacking.ANY, *Stacking]))
    return campaign(
        number,
        face_fen=draw(st.integers(1, 6_000)),
        rate_bp=draw(st.none() | st.integers(1, 10_000)),
        threshold_fen=draw(st.sampled_from([0, 1_000, 5_000])),
        threshold_basis=draw(st.sampled_from(ThresholdBasis)),
        min_pay_fen=draw(st.sampled_from([0, 1, 700])),
        excluded_goods=draw(st.lists(st.sampled_from(KINDS), unique=True)),
        stacking=stacking,
        per_order_max=draw(st.none() | st.integers(2, 3)) if stacking == Stacking.ANY else None,
    )


@st.composite
def orders_drawn(draw: st.DrawFn) -> Order:
    goods = {kind: draw(st.integers(1, 3_000)) for kind in draw(st.sets(st.sampled_from(KINDS)))}
    after_fen = sum(goods.values()) + draw(st.integers(0, 20_000))
    return Order(max(1, after_fen) + draw(st.integers(0, 5_000)), max(1, after_fen), goods)


@st.composite
def shown(draw: st.DrawFn) -> list[Candidate]:
    campaigns = [draw(campaigns_drawn(number)) for number in (1, 2, 3)]
    return [
        Candidate(UUID(int=n), draw(st.sampled_from(campaigns)), EXPIRES + timedelta(days=days))
        for n, days in enumerate(draw(st.lists(st.integers(0, 2), min_size=1, max_size=5)))
    ]


@settings(max_examples=300)
@given(candidates=shown(), bought=orders_drawn(), data=st.data())
def test_whatever_is_shown_the_rules_hold_and_the_order_of_showing_does_not_matter(
    candidates: list[Candidate], bought: Order, data: st.DataObject
) -> None:
    outcomes = dict(
        zip((c.voucher_id for c in candidates), combine(candidates, bought), strict=True)
    )
    used = [one for one in candidates if isinstance(outcomes[one.voucher_id], int)]
    taken = [fen for fen in outcomes.values() if isinstance(fen, int)]
    left_fen = bought.after_discount_fen - sum(taken)
    assert all(fen > 0 for fen in taken)
    assert all(fen <= one.campaign.face_fen for one, fen in zip(used, taken, strict=True))
    for one, fen in zip(used, taken, strict=True):
        assert left_fen >= one.campaign.min_pay_fen
        assert fen <= bought.after_discount_fen - excluded_fen(one.campaign, bought)
        wanted_fen = sum(each.campaign.threshold_fen for each in used)
        before = one.campaign.threshold_basis == ThresholdBasis.BEFORE
        basis_fen = bought.order_fen if before else bought.after_discount_fen
        assert basis_fen - excluded_fen(one.campaign, bought) >= wanted_fen
        same = sum(each.campaign is one.campaign for each in used)
        assert len(used) == 1 or one.campaign.stacking != Stacking.ALONE
        assert same == 1 or one.campaign.stacking == Stacking.ANY
        assert same <= (one.campaign.per_order_max or same)
    # Tobacco is never paid for.
    assert left_fen >= bought.goods.get("tobacco", 0)
    # Whatever can be used alone is used alone, or stands back for something better.
    alone = [discount_fen(one.campaign, bought) for one in candidates]
    best_alone = max((fen for fen in alone if isinstance(fen, int)), default=0)
    everything_used = len(used) == len(candidates)
    assert everything_used or sum(taken) >= best_alone
    again = data.draw(st.permutations(candidates))
    assert combine(again, bought) == [outcomes[one.voucher_id] for one in again]
