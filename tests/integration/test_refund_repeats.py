"""Refunds that are sent again, come at once, or cannot be made."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI

from coupon_service.campaigns.models import RefundPolicy
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind
from coupon_service.vouchers.models import VoucherState
from redemption.errors import (
    OrderWasRefundedError,
    OrderWasReversedError,
    RedemptionNotFoundError,
    RefundExceedsOrderError,
    RefundNumberReusedError,
)
from redemption.models import OrderState
from redemption.refund import RefundCommand, refund
from tests.factories.redemption import make_counter
from tests.factories.refunds import Shop, refused
from tests.factories.waves import at_once
from tests.invariants import assert_invariants

KEEP, POOL = RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY, RefundPolicy.RETURN_SHARE_TO_POOL
NEXT_DAY, CONSUMED = RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY, RefundPolicy.CONSUMED


@pytest.fixture(scope="module")
def app(shared_app: OpenAPI) -> OpenAPI:
    return shared_app


@pytest.fixture
def shop(held: Resources) -> Shop:
    return Shop(held)


def test_the_same_refund_again_gets_the_same_answer_and_moves_money_once(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(NEXT_DAY)
    first = shop.refund(order.order_no, 400, refund_no="R-1")
    rest = shop.refund(order.order_no, refund_no="R-2")
    totals = shop.totals
    assert shop.refund(order.order_no, 400, refund_no="R-1") == replace(first, repeated=True)
    assert shop.refund(order.order_no, refund_no="R-2") == replace(rest, repeated=True)
    assert shop.refund(order.order_no, 600, refund_no="R-2") == replace(rest, repeated=True)
    assert shop.totals == totals
    assert_invariants(held)


@pytest.mark.parametrize("goods_fen", [399, 401, None])
def test_a_refund_number_with_another_amount_is_refused(
    held: Resources, shop: Shop, goods_fen: int | None
) -> None:
    order = shop.sold(KEEP)
    shop.refund(order.order_no, 400, refund_no="R-1")
    refused(
        lambda: shop.refund(order.order_no, goods_fen, refund_no="R-1"),
        RefundNumberReusedError,
        shop,
    )
    assert_invariants(held)


def test_a_refund_number_of_another_order_is_refused(held: Resources, shop: Shop) -> None:
    order, other = shop.sold(KEEP), shop.sold(KEEP)
    shop.refund(order.order_no, 400, refund_no="R-1")
    refused(
        lambda: shop.refund(other.order_no, 400, refund_no="R-1"), RefundNumberReusedError, shop
    )
    assert_invariants(held)


@pytest.mark.parametrize("goods_fen", [101, 1_000, 0, -1])
def test_more_than_is_left_is_refused_and_says_what_is_left(
    held: Resources, shop: Shop, goods_fen: int
) -> None:
    order = shop.sold(KEEP)
    shop.refund(order.order_no, 900)
    error = refused(lambda: shop.refund(order.order_no, goods_fen), RefundExceedsOrderError, shop)
    assert error.extra == {"left_fen": 100}
    assert_invariants(held)


def test_nothing_more_comes_back_of_an_order_that_came_back(held: Resources, shop: Shop) -> None:
    order = shop.sold(KEEP)
    shop.refund(order.order_no)
    refused(lambda: shop.refund(order.order_no), RefundExceedsOrderError, shop)
    assert_invariants(held)


def test_a_reversed_order_is_not_refunded_and_a_refunded_one_not_reversed(
    held: Resources, shop: Shop
) -> None:
    reversed_, refunded = shop.sold(KEEP), shop.sold(KEEP)
    shop.reverse(reversed_.order_no)
    refused(lambda: shop.refund(reversed_.order_no), OrderWasReversedError, shop)
    shop.refund(refunded.order_no, 1)
    refused(lambda: shop.reverse(refunded.order_no), OrderWasRefundedError, shop)
    shop.refund(refunded.order_no)
    refused(lambda: shop.reverse(refunded.order_no), OrderWasRefundedError, shop)
    assert_invariants(held)


def test_an_order_that_never_came_and_one_of_another_merchant_are_not_found(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(KEEP)
    with transaction(held.sessions) as session:
        stranger = make_counter(session, shop.small.district)
    refused(lambda: shop.refund("never"), RedemptionNotFoundError, shop)

    def by_a_stranger() -> object:
        with transaction(held.sessions) as session:
            command = RefundCommand(stranger.till.id, order.order_no, "R-1")
            return refund(session, command, now=db_now(session))

    refused(by_a_stranger, RedemptionNotFoundError, shop)
    assert_invariants(held)


def test_the_api_answers_201_then_200_and_a_refusal_with_its_reason(
    client: FlaskClient, held: Resources, shop: Shop
) -> None:
    order = shop.sold(KEEP)
    path = f"/api/v1/redemptions/{order.order_no}/refunds"

    def ask(**body: object) -> tuple[int, dict[str, object]]:
        answer = client.post(path, json=body, headers=shop.counter.headers)
        assert answer.json is not None
        return answer.status_code, answer.json

    status, made = ask(refund_no="R-1", goods_fen=900)
    assert status == 201
    assert (made["customer_fen"], made["district_fen"], made["left_fen"]) == (630, 270, 100)
    assert ask(refund_no="R-1", goods_fen=900) == (200, made | {"repeated": True})
    status, problem = ask(refund_no="R-1", goods_fen=800)
    assert (status, problem["slug"]) == (409, "refund-number-reused")
    status, problem = ask(refund_no="R-2", goods_fen=101)
    assert (status, problem["slug"], problem["left_fen"]) == (409, "refund-exceeds-order", 100)
    assert ask(refund_no="R-2")[1]["customer_fen"] == 70
    assert_invariants(held)


def test_sixteen_refunds_at_once_give_back_each_fen_once(
    app: OpenAPI, held: Resources, shop: Shop
) -> None:
    order = shop.sold(KEEP, NEXT_DAY, CONSUMED)

    def take(position: int) -> int:
        try:
            return shop.refund(order.order_no, 90, refund_no=f"R-{position}").customer_fen
        except RefundExceedsOrderError:
            return 0

    given = at_once(app, take, list(range(16)))
    assert sum(amount > 0 for amount in given) == 11
    # Of 9.90 of an order of 10.00 of which the customer had paid 1.00.
    assert sum(given) == 99
    assert shop.receipt(order.order_no).refunded_fen == 990
    assert_invariants(held)


def test_one_refund_sent_sixteen_times_at_once_is_made_once(
    app: OpenAPI, held: Resources, shop: Shop
) -> None:
    order = shop.sold(KEEP)
    made = at_once(app, lambda _: shop.refund(order.order_no, refund_no="R-1"), list(range(16)))
    assert sum(not one.repeated for one in made) == 1
    assert {replace(one, repeated=False) for one in made} == {
        replace(made[0], repeated=False),
    }
    assert_invariants(held)


def test_a_refund_and_a_reversal_at_once_have_one_winner(
    app: OpenAPI, held: Resources, shop: Shop
) -> None:
    orders = [shop.sold(KEEP) for _ in range(6)]

    def act(position: int) -> str:
        order_no = orders[position // 2].order_no
        try:
            if position % 2:
                shop.refund(order_no)
            else:
                shop.reverse(order_no)
        except (OrderWasReversedError, OrderWasRefundedError):
            return "lost"
        return "won"

    outcomes = at_once(app, act, list(range(12)))
    for first, second in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert {first, second} == {"won", "lost"}
    for order in orders:
        receipt = shop.receipt(order.order_no)
        assert (receipt.state is OrderState.REVERSED) == (receipt.refunded_fen == 0)
        assert shop.stored(order.lines[0].voucher_id).state == VoucherState.ISSUED
    assert_invariants(held)


def test_refunds_and_settlements_at_once_pay_what_is_left_or_owe_the_rest(
    app: OpenAPI, held: Resources, shop: Shop
) -> None:
    orders = [shop.sold(CONSUMED, KEEP) for _ in range(8)]

    def act(position: int) -> None:
        if position % 3 == 2:
            shop.settle()
        else:
            shop.refund(orders[position % 8].order_no, 100)

    at_once(app, act, list(range(16)))
    assert_invariants(held)
    after = shop.totals
    owed = after[AccountKind.PAYABLE] + after[AccountKind.IN_FLIGHT]
    refunded = sum(shop.receipt(order.order_no).refunded_fen for order in orders)
    assert owed == 8 * 600 - refunded * 60 // 100
