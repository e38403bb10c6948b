"""The fraud rules, at and around each limit."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.campaigns.models import Channel
from fraud.gate import TRAVEL_DISTANCE_MIN_M, Spot, too_far
from fraud.rules import (
    AT_THRESHOLD_ORDERS_MIN,
    BURST_REDEMPTIONS_MAX,
    CASE_WEIGHT,
    CLAIM_TO_USE_QUICK_ORDERS_MIN,
    CLAIM_TO_USE_QUICK_S,
    RECENT_ORDERS,
    RESIDENTS_PER_DEVICE_24H_MAX,
    RULES,
    VOUCHERS_PER_RESIDENT_24H_MAX,
    OrderSeen,
    Signals,
    amount_at_threshold,
    burst_at_till,
    claim_to_use_too_quick,
    closed_hours,
    device_shared,
    judge,
    vouchers_cycled,
)


def order(basis_fen: int = 6_800, *, quick_s: int = 3_600, threshold_fen: int = 5_000) -> OrderSeen:
    return OrderSeen(uuid4(), basis_fen, threshold_fen, quick_s, Channel.ONSITE)


def on_one_device(count: int) -> dict[UUID, UUID]:
    """Redemptions of so many residents, by redemption."""
    return {uuid4(): uuid4() for _ in range(count)}


HONEST = Signals(
    orders=[order()],
    till_burst=[],
    same_device={},
    same_resident=[],
    opens=time(10),
    closes=time(22),
    local_time=time(12, 30),
)


def test_an_honest_lunch_raises_nothing() -> None:
    assert judge(HONEST) == []


def test_a_family_may_share_a_phone_and_one_person_more_may_not() -> None:
    family = on_one_device(RESIDENTS_PER_DEVICE_24H_MAX)
    assert device_shared(replace(HONEST, same_device=family)) is None
    finding = device_shared(replace(HONEST, same_device=family | on_one_device(1)))
    assert finding is not None
    assert finding.evidence == {"residents": 4, "orders": 4}
    assert len(finding.pattern) == 4


def test_many_vouchers_of_one_resident_are_not_many_residents() -> None:
    resident_id = uuid4()
    uses = {uuid4(): resident_id for _ in range(9)}
    assert device_shared(replace(HONEST, same_device=uses)) is None


def test_one_order_exactly_at_the_threshold_is_honest() -> None:
    assert amount_at_threshold(replace(HONEST, orders=[order(5_000)])) is None


def test_a_streak_at_the_threshold_is_found_and_names_only_its_members() -> None:
    at = [order(5_000) for _ in range(AT_THRESHOLD_ORDERS_MIN)]
    dearer = [order(9_000) for _ in range(AT_THRESHOLD_ORDERS_MIN)]
    finding = amount_at_threshold(replace(HONEST, orders=at + dearer))
    assert finding is not None
    assert finding.pattern == {seen.redemption_id for seen in at}


def test_orders_at_the_threshold_in_the_minority_are_honest() -> None:
    at = [order(5_000) for _ in range(AT_THRESHOLD_ORDERS_MIN)]
    dearer = [order(9_000) for _ in range(AT_THRESHOLD_ORDERS_MIN + 1)]
    assert amount_at_threshold(replace(HONEST, orders=at + dearer)) is None


def test_a_dearer_order_is_not_blamed_for_the_streak_before_it() -> None:
    at = [order(5_000) for _ in range(RECENT_ORDERS - 1)]
    assert amount_at_threshold(replace(HONEST, orders=[order(9_000), *at])) is None


@pytest.mark.parametrize(("basis_fen", "found"), [(4_999, False), (5_050, True), (5_051, False)])
def test_the_margin_above_the_threshold_is_one_percent(basis_fen: int, found: bool) -> None:
    orders = [order(basis_fen) for _ in range(AT_THRESHOLD_ORDERS_MIN)]
    assert (amount_at_threshold(replace(HONEST, orders=orders)) is not None) is found


def test_a_coupon_without_a_threshold_has_no_amount_to_hit() -> None:
    orders = [order(0, threshold_fen=0) for _ in range(RECENT_ORDERS)]
    assert amount_at_threshold(replace(HONEST, orders=orders)) is None


def test_a_burst_is_more_than_a_cashier_can_ring_up() -> None:
    limit = [uuid4() for _ in range(BURST_REDEMPTIONS_MAX)]
    assert burst_at_till(replace(HONEST, till_burst=limit)) is None
    finding = burst_at_till(replace(HONEST, till_burst=[*limit, uuid4()]))
    assert finding is not None
    assert finding.evidence["orders"] == BURST_REDEMPTIONS_MAX + 1


def test_one_quick_customer_is_honest_and_a_series_of_them_is_not() -> None:
    quick = [order(quick_s=CLAIM_TO_USE_QUICK_S - 1) for _ in range(CLAIM_TO_USE_QUICK_ORDERS_MIN)]
    assert claim_to_use_too_quick(replace(HONEST, orders=quick[:-1])) is None
    finding = claim_to_use_too_quick(replace(HONEST, orders=[*quick, order()]))
    assert finding is not None
    assert finding.pattern == {seen.redemption_id for seen in quick}


def test_claiming_and_using_at_once_is_what_an_ar_scene_is_for() -> None:
    orders = [
        OrderSeen(uuid4(), 6_800, 5_000, 2, Channel.VIRTUAL)
        for _ in range(CLAIM_TO_USE_QUICK_ORDERS_MIN)
    ]
    assert claim_to_use_too_quick(replace(HONEST, orders=orders)) is None


@pytest.mark.parametrize(
    ("opens", "closes", "at", "found"),
    [
        (time(10), time(22), time(9, 30), False),  # opened half an hour early
        (time(10), time(22), time(9, 29), True),
        (time(10), time(22), time(22, 30), False),
        (time(10), time(22), time(22, 31), True),
        (time(18), time(2), time(1, 59), False),  # night market across midnight
        (time(18), time(2), time(3), True),
        (time(18), time(2), time(12), True),
        (time(10), time(0), time(23, 59), False),
        (time(0), time(0), time(4), False),  # never closes
        (time(0), time(23, 30), time(23, 59), False),
    ],
)
def test_sales_of_a_closed_store(opens: time, closes: time, at: time, found: bool) -> None:
    seen = replace(HONEST, opens=opens, closes=closes, local_time=at)
    assert (closed_hours(seen) is not None) is found


def test_a_virtual_storefront_never_closes() -> None:
    orders = [replace(order(), channel=Channel.VIRTUAL)]
    assert closed_hours(replace(HONEST, orders=orders, local_time=time(4))) is None


def test_a_set_of_vouchers_used_up_at_one_merchant_is_found() -> None:
    allowed = [uuid4() for _ in range(VOUCHERS_PER_RESIDENT_24H_MAX)]
    assert vouchers_cycled(replace(HONEST, same_resident=allowed)) is None
    finding = vouchers_cycled(replace(HONEST, same_resident=[*allowed, uuid4()]))
    assert finding is not None
    assert finding.evidence == {"vouchers": 3}


def test_no_rule_alone_stops_money() -> None:
    everything = Signals(
        orders=[order(5_000, quick_s=3) for _ in range(RECENT_ORDERS)],
        till_burst=[uuid4() for _ in range(10)],
        same_device=on_one_device(10),
        same_resident=[uuid4() for _ in range(10)],
        opens=time(10),
        closes=time(22),
        local_time=time(4),
    )
    findings = judge(everything)
    assert {finding.rule for finding in findings} == {
        rule.__name__.replace("_", "-") for rule in RULES
    }
    assert max(finding.weight for finding in findings) < CASE_WEIGHT
    assert all(not set(finding.evidence) & {"resident_id", "phone"} for finding in findings)


@given(
    basis_fen=st.integers(0, 10**9),
    threshold_fen=st.integers(0, 10**9),
    quick_s=st.integers(-60, 10**6),
    minute=st.integers(0, 24 * 60 - 1),
)
def test_a_finding_always_names_the_judged_redemption(
    basis_fen: int, threshold_fen: int, quick_s: int, minute: int
) -> None:
    orders = [
        order(basis_fen, quick_s=quick_s, threshold_fen=threshold_fen) for _ in range(RECENT_ORDERS)
    ]
    judged = orders[0].redemption_id
    seen = replace(
        HONEST,
        orders=orders,
        till_burst=[judged, *(uuid4() for _ in range(9))],
        local_time=time(minute // 60, minute % 60),
    )
    for finding in judge(seen):
        assert judged in finding.pattern
        assert 1 <= finding.weight <= 100


XIDAN = Spot(39.9075, 116.3741, datetime(2026, 6, 18, 12, tzinfo=UTC))


def test_two_tills_of_one_mall_are_never_too_far() -> None:
    across = Spot(39.9085, 116.3760, XIDAN.at + timedelta(seconds=1))
    assert not too_far(XIDAN, across)


def test_another_city_within_minutes_is_too_far_and_after_an_hour_by_train_is_not() -> None:
    tianjin = Spot(39.1350, 117.2100, XIDAN.at + timedelta(minutes=20))
    assert too_far(XIDAN, tianjin)
    assert not too_far(XIDAN, replace(tianjin, at=XIDAN.at + timedelta(minutes=60)))


def test_across_the_district_by_car_is_not_too_far() -> None:
    gulou = Spot(39.9480, 116.3900, XIDAN.at + timedelta(minutes=10))
    assert not too_far(XIDAN, gulou)
    assert too_far(XIDAN, replace(gulou, at=XIDAN.at + timedelta(seconds=30)))
    assert TRAVEL_DISTANCE_MIN_M < 4_000
