"""Goods come back: what each side gets, and what becomes of the voucher."""

from datetime import timedelta

import pytest
from flask_openapi3 import OpenAPI

from coupon_service.campaigns.models import RefundPolicy
from coupon_service.core.clock import local_date, local_day_start
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import Standing
from coupon_service.vouchers.lifecycle import expire_due
from coupon_service.vouchers.models import VoucherState
from redemption.errors import (
    VoucherNotYetValidError,
)
from redemption.models import RedemptionState
from tests.factories.refunds import Shop, refused
from tests.invariants import assert_invariants

KEEP, POOL = RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY, RefundPolicy.RETURN_SHARE_TO_POOL
NEXT_DAY, CONSUMED = RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY, RefundPolicy.CONSUMED


@pytest.fixture(scope="module")
def app(shared_app: OpenAPI) -> OpenAPI:
    return shared_app


@pytest.fixture
def shop(held: Resources) -> Shop:
    return Shop(held)


# The four policies, by the numbers that the scheme of Hangzhou publishes: 10.00, a coupon of 3.00.


@pytest.mark.parametrize("policy", RefundPolicy)
def test_a_part_gives_the_customer_their_share_and_the_district_its_own(
    held: Resources, shop: Shop, policy: RefundPolicy
) -> None:
    order = shop.sold(policy)
    budget_fen = shop.budget_fen
    made = shop.refund(order.order_no, 900)
    assert (made.customer_fen, made.district_fen, made.left_fen) == (630, 270, 100)
    assert made.returned_vouchers == 0
    (line,) = order.lines
    assert shop.stored(line.voucher_id).state == VoucherState.REDEEMED
    assert shop.payable(line.redemption_id).owed_fen == 30
    assert shop.budget_fen == budget_fen + 270
    assert_invariants(held)


@pytest.mark.parametrize("policy", [KEEP, POOL])
def test_all_at_once_returns_the_voucher_with_its_validity_as_it_was(
    held: Resources, shop: Shop, policy: RefundPolicy
) -> None:
    order = shop.sold(policy)
    (line,) = order.lines
    before = shop.stored(line.voucher_id)
    budget_fen = shop.budget_fen
    made = shop.refund(order.order_no)
    assert (made.goods_fen, made.customer_fen, made.district_fen) == (1_000, 700, 300)
    assert (made.left_fen, made.returned_vouchers) == (0, 1)
    after = shop.stored(line.voucher_id)
    assert after.state == VoucherState.ISSUED
    assert (after.valid_from, after.expires_at) == (before.valid_from, before.expires_at)
    assert shop.redemption(line.redemption_id).state == RedemptionState.RETURNED
    assert shop.budget_fen == budget_fen, "the face is reserved for the voucher again"
    again = shop.sell(line.voucher_id)
    assert again.discount_fen == 300
    assert_invariants(held)


@pytest.mark.parametrize("policy", [KEEP, POOL])
def test_all_in_two_refunds_leaves_the_voucher_spent(
    held: Resources, shop: Shop, policy: RefundPolicy
) -> None:
    order = shop.sold(policy)
    budget_fen = shop.budget_fen
    shop.refund(order.order_no, 900)
    last = shop.refund(order.order_no)
    assert (last.goods_fen, last.customer_fen, last.district_fen) == (100, 70, 30)
    assert last.returned_vouchers == 0
    assert shop.stored(order.lines[0].voucher_id).state == VoucherState.REDEEMED
    assert shop.budget_fen == budget_fen + 300
    assert shop.payable(order.lines[0].redemption_id).standing == Standing.REVERSED
    assert_invariants(held)


def test_a_consumed_voucher_stays_spent_and_its_money_goes_to_the_node(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(CONSUMED)
    budget_fen = shop.budget_fen
    made = shop.refund(order.order_no)
    assert (made.customer_fen, made.district_fen, made.returned_vouchers) == (700, 300, 0)
    assert shop.stored(order.lines[0].voucher_id).state == VoucherState.REDEEMED
    assert shop.budget_fen == budget_fen + 300
    assert_invariants(held)


@pytest.mark.parametrize("parts", [(1_000,), (400, 600), (1, 998, 1)])
def test_the_next_day_policy_returns_the_voucher_tomorrow_once_all_has_come_back(
    held: Resources, shop: Shop, parts: tuple[int, ...]
) -> None:
    order = shop.sold(NEXT_DAY)
    (line,) = order.lines
    expires_at = shop.stored(line.voucher_id).expires_at
    for part in parts[:-1]:
        assert shop.refund(order.order_no, part).returned_vouchers == 0
        assert shop.stored(line.voucher_id).state == VoucherState.REDEEMED
    assert shop.refund(order.order_no, parts[-1]).returned_vouchers == 1
    after = shop.stored(line.voucher_id)
    tomorrow = local_day_start(local_date(shop.now) + timedelta(days=1))
    assert (after.state, after.valid_from, after.expires_at) == (
        VoucherState.ISSUED,
        tomorrow,
        expires_at,
    )
    assert_invariants(held)
    just_before = tomorrow - timedelta(microseconds=1)
    refused(lambda: shop.sell(line.voucher_id, now=just_before), VoucherNotYetValidError, shop)
    assert shop.sell(line.voucher_id, now=tomorrow).discount_fen == 300
    assert_invariants(held)


def test_a_voucher_that_ends_today_does_not_return_tomorrow(held: Resources, shop: Shop) -> None:
    tomorrow = local_day_start(local_date(shop.now) + timedelta(days=1))
    voucher_id = shop.voucher(shop.release(NEXT_DAY), expires_at=tomorrow)
    order = shop.sell(voucher_id)
    budget_fen = shop.budget_fen
    # At the moment it was paid: the test itself may run into midnight.
    made = shop.refund(order.order_no, now=order.redeemed_at)
    assert (made.customer_fen, made.district_fen, made.returned_vouchers) == (700, 300, 0)
    assert shop.stored(voucher_id).state == VoucherState.REDEEMED
    assert shop.budget_fen == budget_fen + 300
    assert_invariants(held)


@pytest.mark.parametrize("policy", RefundPolicy)
def test_after_its_validity_a_voucher_stays_spent_and_everybody_gets_their_money(
    held: Resources, shop: Shop, policy: RefundPolicy
) -> None:
    order = shop.sold(policy)
    budget_fen = shop.budget_fen
    made = shop.refund(order.order_no, now=shop.in_days(31))
    assert (made.customer_fen, made.district_fen, made.returned_vouchers) == (700, 300, 0)
    assert shop.stored(order.lines[0].voucher_id).state == VoucherState.REDEEMED
    assert shop.budget_fen == budget_fen + 300
    assert_invariants(held)


def test_a_returned_voucher_that_then_expires_gives_its_face_back(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(NEXT_DAY)
    budget_fen = shop.budget_fen
    shop.refund(order.order_no)
    with transaction(held.sessions) as session:
        expire_due(session, now=shop.in_days(31))
    assert shop.stored(order.lines[0].voucher_id).state == VoucherState.EXPIRED
    assert shop.budget_fen == budget_fen + 300
    assert_invariants(held)


# Several vouchers, percentages, and amounts that do not divide.


def test_each_voucher_of_an_order_follows_its_own_policy(held: Resources, shop: Shop) -> None:
    order = shop.sold(KEEP, POOL, NEXT_DAY, CONSUMED, order_fen=2_000)
    budget_fen = shop.budget_fen
    made = shop.refund(order.order_no)
    assert (made.customer_fen, made.district_fen, made.returned_vouchers) == (800, 1_200, 3)
    assert [shop.redemption(line.redemption_id).state for line in order.lines] == [
        *(3 * [RedemptionState.RETURNED]),
        RedemptionState.REDEEMED,
    ]
    assert shop.budget_fen == budget_fen + 300
    assert_invariants(held)


def test_refunds_in_parts_take_all_of_every_voucher_back_to_the_fen(
    held: Resources, shop: Shop
) -> None:
    vouchers = [
        shop.voucher(shop.release(policy, face_fen=face_fen))
        for policy, face_fen in ((CONSUMED, 101), (NEXT_DAY, 1), (KEEP, 333))
    ]
    order = shop.sell(*vouchers, order_fen=1_001)
    made = [shop.refund(order.order_no, part) for part in (333, 7, 1, 659, 1)]
    assert sum(one.district_fen for one in made) == 435
    assert sum(one.customer_fen for one in made) == 1_001 - 435
    assert [shop.payable(line.redemption_id).owed_fen for line in order.lines] == [0, 0, 0]
    assert made[-1].returned_vouchers == 1
    assert_invariants(held)


def test_a_percentage_is_given_back_as_it_was_taken_and_its_cap_is_reserved_again(
    held: Resources, shop: Shop
) -> None:
    release = shop.release(KEEP, face_fen=3_000, rate_bp=1_500)
    full, part = shop.voucher(release), shop.voucher(release)
    budget_fen = shop.budget_fen
    # 15 % of 33.33 is 4.9995: 5.00.
    order = shop.sell(full, order_fen=3_333)
    assert order.discount_fen == 500
    made = shop.refund(order.order_no)
    assert (made.customer_fen, made.district_fen) == (2_833, 500)
    assert shop.budget_fen == budget_fen
    order = shop.sell(part, order_fen=3_333)
    made = shop.refund(order.order_no, 1_111)
    # 11.11 × 28.33 ÷ 33.33 = 9.4433
    assert (made.customer_fen, made.district_fen) == (944, 167)
    assert shop.budget_fen == budget_fen + 2_500 + 167
    assert_invariants(held)


def test_a_voucher_whose_money_came_back_before_the_goods_did_still_returns(
    held: Resources, shop: Shop
) -> None:
    voucher_id = shop.voucher(shop.release(NEXT_DAY, face_fen=1))
    order = shop.sell(voucher_id, order_fen=3)
    # Of 0.02 the customer had paid 0.0133: the voucher's fen comes back with these already.
    assert shop.refund(order.order_no, 2).district_fen == 1
    assert shop.payable(order.lines[0].redemption_id).standing == Standing.REVERSED
    last = shop.refund(order.order_no)
    assert (last.customer_fen, last.district_fen, last.returned_vouchers) == (1, 0, 1)
    assert shop.stored(voucher_id).state == VoucherState.ISSUED
    assert_invariants(held)
