"""How the price of goods that come back is split, and what becomes of the voucher."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.campaigns.models import RefundPolicy
from coupon_service.campaigns.refund import Fate, RefundSplit, fate_of, refund_split
from coupon_service.core.money import shared_out

KEEP, POOL = RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY, RefundPolicy.RETURN_SHARE_TO_POOL
NEXT_DAY, CONSUMED = RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY, RefundPolicy.CONSUMED
# 15:00 in Beijing; the next local day begins nine hours later.
NOW = datetime(2026, 6, 18, 7, tzinfo=UTC)
MIDNIGHT = NOW + timedelta(hours=9)
MONTH = timedelta(days=30)

fens = st.integers(0, 10**9)


@st.composite
def orders(draw: st.DrawFn) -> tuple[int, int, list[int]]:
    """An order, what a voucher took off it, and refunds that add up to it."""
    parts = draw(st.lists(st.integers(1, 10**7), min_size=1, max_size=6))
    return sum(parts), draw(st.integers(0, sum(parts))), parts


def test_nine_of_ten_yuan_after_a_coupon_of_three_give_the_customer_six_thirty() -> None:
    assert refund_split(1_000, 300, 900) == RefundSplit(customer_fen=630, district_fen=270)


def test_half_a_fen_is_rounded_up_for_the_customer_once_and_not_each_time() -> None:
    first = refund_split(300, 150, 1)
    second = refund_split(300, 150, 1, returned_before_fen=1)
    assert (first.customer_fen, second.customer_fen) == (1, 0)


@given(orders())
def test_refunds_of_an_order_add_up_to_what_each_side_had_paid(
    order: tuple[int, int, list[int]],
) -> None:
    order_fen, discount_fen, parts = order
    before, splits = 0, []
    for part in parts:
        splits.append(refund_split(order_fen, discount_fen, part, returned_before_fen=before))
        before += part
    assert sum(split.district_fen for split in splits) == discount_fen
    assert sum(split.customer_fen for split in splits) == order_fen - discount_fen
    for part, split in zip(parts, splits, strict=True):
        assert split.customer_fen + split.district_fen == part
        assert split.customer_fen >= 0 <= split.district_fen


@given(orders())
def test_one_refund_is_within_half_a_fen_of_the_exact_share(
    order: tuple[int, int, list[int]],
) -> None:
    order_fen, discount_fen, (part, *_) = order
    split = refund_split(order_fen, discount_fen, part)
    exact_times_order = part * (order_fen - discount_fen)
    assert -order_fen < 2 * (split.customer_fen * order_fen - exact_times_order) <= order_fen


@pytest.mark.parametrize(("before", "part"), [(0, 1_001), (500, 501), (-1, 5), (10, -11)])
def test_more_than_was_bought_is_no_refund(before: int, part: int) -> None:
    with pytest.raises(ValueError, match="more would be returned"):
        refund_split(1_000, 300, part, returned_before_fen=before)


@given(st.lists(fens, min_size=1, max_size=8), st.data())
def test_what_is_shared_out_adds_up_and_no_share_exceeds_its_weight(
    weights: list[int], data: st.DataObject
) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    shares = shared_out(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


@given(st.lists(fens, min_size=1, max_size=8))
def test_all_that_is_there_gives_each_all_of_its_weight(weights: list[int]) -> None:
    assert shared_out(sum(weights), weights) == weights


@given(st.integers(0, 10**6), st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_a_share_is_within_a_fen_of_the_exact_one(amount: int, weights: list[int]) -> None:
    whole = sum(weights)
    for share, weight in zip(shared_out(amount, weights), weights, strict=True):
        assert abs(share * whole - amount * weight) <= whole


@pytest.mark.parametrize(
    ("policy", "is_first", "is_whole", "fate"),
    [
        (KEEP, True, True, Fate.RETURNED),
        (KEEP, True, False, Fate.SPENT),
        (KEEP, False, True, Fate.SPENT),
        (POOL, True, True, Fate.RETURNED),
        (POOL, False, True, Fate.SPENT),
        (NEXT_DAY, True, True, Fate.RETURNED_TOMORROW),
        (NEXT_DAY, False, True, Fate.RETURNED_TOMORROW),
        (NEXT_DAY, True, False, Fate.WAITING),
        (CONSUMED, True, True, Fate.SPENT),
        (CONSUMED, False, False, Fate.SPENT),
    ],
)
def test_a_valid_vouchers_fate_is_its_campaigns_policy(
    policy: RefundPolicy, is_first: bool, is_whole: bool, fate: Fate
) -> None:
    found = fate_of(policy, NOW + MONTH, is_first=is_first, is_whole=is_whole, now=NOW)
    assert found is fate


@pytest.mark.parametrize(
    ("policy", "expires_at", "fate"),
    [
        (KEEP, NOW + timedelta(microseconds=1), Fate.RETURNED),
        (KEEP, NOW, Fate.EXPIRED),
        (POOL, NOW, Fate.EXPIRED),
        (NEXT_DAY, MIDNIGHT + timedelta(microseconds=1), Fate.RETURNED_TOMORROW),
        (NEXT_DAY, MIDNIGHT, Fate.EXPIRED),
        (CONSUMED, NOW, Fate.SPENT),
    ],
)
def test_a_voucher_returns_only_if_some_moment_is_left_to_use_it(
    policy: RefundPolicy, expires_at: datetime, fate: Fate
) -> None:
    assert fate_of(policy, expires_at, is_first=True, is_whole=True, now=NOW) is fate
