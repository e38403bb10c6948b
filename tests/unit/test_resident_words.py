"""What residents read is computed by the rules the till goes by."""

from datetime import time
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.campaigns.models import Campaign, ThresholdBasis
from coupon_service.campaigns.refund import refund_split
from coupon_service.campaigns.terms import Order, Unusable, discount_fen
from coupon_service.mobile.example import example_of
from coupon_service.mobile.near import Position, nearest
from merchants.queries import StorePlace


def campaign(**terms: object) -> Campaign:
    defaults: dict[str, object] = {
        "face_fen": 3_000,
        "threshold_fen": 10_000,
        "threshold_basis": ThresholdBasis.BEFORE,
        "min_pay_fen": 1,
        "rate_bp": None,
    }
    return Campaign(**(defaults | terms))


def place(lat: float, *, channel: str = "onsite", **hours: time) -> StorePlace:
    opens, closes = hours.get("opens", time(9)), hours.get("closes", time(21))
    return StorePlace(
        uuid4(), "s", "店", "茶", "牛街", "", [], lat, 116.37, opens, closes, channel, False
    )


def test_a_refund_is_shared_by_what_each_paid() -> None:
    # Order 10.00, coupon 3.00, refund 9.00: the customer gets 6.30.
    split = refund_split(1_000, 300, 900)
    assert (split.customer_fen, split.district_fen) == (630, 270)


@given(
    order_fen=st.integers(1, 10**9),
    discount=st.floats(0, 1),
    cuts=st.lists(st.floats(0, 1), max_size=5),
)
def test_several_refunds_of_one_order_add_up_exactly(
    order_fen: int, discount: float, cuts: list[float]
) -> None:
    discount_fen_ = int(order_fen * discount)
    steps = [0, *sorted(int(order_fen * cut) for cut in cuts), order_fen]
    splits = [
        refund_split(order_fen, discount_fen_, after - before, returned_before_fen=before)
        for before, after in pairwise(steps)
    ]
    assert sum(split.customer_fen for split in splits) == order_fen - discount_fen_
    assert sum(split.district_fen for split in splits) == discount_fen_


def test_more_than_was_bought_cannot_be_returned() -> None:
    with pytest.raises(ValueError, match="more would be returned"):
        refund_split(1_000, 300, 600, returned_before_fen=500)


@given(
    face_fen=st.integers(100, 100_000),
    threshold_fen=st.integers(0, 1_000_000),
    rate_bp=st.none() | st.integers(1, 10_000),
    min_pay_fen=st.integers(0, 1_000),
)
def test_an_example_is_what_the_till_would_take(
    face_fen: int, threshold_fen: int, rate_bp: int | None, min_pay_fen: int
) -> None:
    terms = campaign(
        face_fen=face_fen, threshold_fen=threshold_fen, rate_bp=rate_bp, min_pay_fen=min_pay_fen
    )
    example = example_of(terms)
    if example is None:
        assert rate_bp is not None  # a rate that rounds to nothing
        return
    order = Order(example.order_fen, example.order_fen)
    assert discount_fen(terms, order) == example.saved_fen
    assert example.paid_fen >= min_pay_fen
    if example.short_fen is not None:
        short = Order(example.short_fen, example.short_fen)
        assert discount_fen(terms, short) == Unusable.BELOW_THRESHOLD


def test_a_place_is_rounded_to_a_hundred_metres_and_nonsense_is_nowhere() -> None:
    assert Position.parse("39.9404567", "116.3701234") == Position(39.940, 116.370)
    for lat, lon in (("", ""), ("nan", "1"), ("91", "1"), ("1", "181"), ("1e999", "0"), ("x", "1")):
        assert Position.parse(lat, lon) is None


def test_the_nearest_store_is_one_to_walk_into_and_not_a_province_away() -> None:
    here = Position(39.94, 116.37)
    cloud, close, far = place(39.94, channel="virtual"), place(39.943), place(39.96)
    found = nearest(here, [cloud, far, close])
    assert found is not None
    assert found.store is close
    assert found.metres == pytest.approx(334, abs=2)
    assert nearest(here, [place(31.0)]) is None


def test_hours_may_cross_midnight_or_be_all_day() -> None:
    night = place(39.94, opens=time(18), closes=time(2))
    assert [night.open_at(time(hour)) for hour in (17, 18, 23, 1, 2)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert place(39.94, opens=time(0), closes=time(0)).open_at(time(3))
