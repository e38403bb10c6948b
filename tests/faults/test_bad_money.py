"""Amounts that are none: refused before anything happens."""

from typing import get_args

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from coupon_service.campaigns.terms import GoodsKind
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher, VoucherState
from redemption.models import Order, Redemption, Refund
from tests.factories.redemption import Counter, market_with_voucher
from tests.invariants import assert_invariants

# JSON as sent: Python's own encoder would not write some of these.
NOT_MONEY = [
    "-1",
    "0",
    "0.01",
    "8000.0",
    "8e3",
    "1e309",
    "-1e309",
    "NaN",
    "Infinity",
    "9223372036854775808",
    "1000000000001",
    '"8000"',
    '"１００"',
    '""',
    "null",
    "true",
    "[8000]",
    '{"fen":8000}',
]
# As typed, in yuan.
NOT_YUAN = [
    "-1",
    "0",
    "0.001",
    "1e309",
    "NaN",
    "92233720368547758.08",
    "１００",
    "",
    "8,000",
    "￥80",
]


def order(code: str, path: str) -> dict[str, str]:
    """The fields of an order of 80 yuan, as `send` writes them."""
    fields = {"vouchers": f'[{{"code": "{code}"}}]', "order_fen": "8000"}
    return fields | ({"order_no": '"A-1"'} if path.endswith("redemptions") else {})


def send(client: FlaskClient, counter: Counter, path: str, **fields: str) -> TestResponse:
    """Post the fields, each written as it is, for Python's encoder would not write some of them."""
    return client.post(
        path,
        data="{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}",
        content_type="application/json",
        headers=counter.headers,
    )


@pytest.mark.parametrize("path", ["/api/v1/redemptions", "/api/v1/quotes"])
def test_an_order_amount_that_is_no_positive_integer_of_fen_is_refused(
    client: FlaskClient, held: Resources, path: str
) -> None:
    market, _, code = market_with_voucher(held)
    fields = order(code.token, path)
    answers = {
        amount: send(client, market.counter, path, **(fields | {"order_fen": amount}))
        for amount in NOT_MONEY
    }
    assert {amount: answer.status_code for amount, answer in answers.items()} == dict.fromkeys(
        NOT_MONEY, 400
    )
    assert {answer.mimetype for answer in answers.values()} == {"application/problem+json"}
    _assert_untouched(held)


@pytest.mark.parametrize("path", ["/api/v1/redemptions", "/api/v1/quotes"])
def test_an_amount_after_discount_that_is_none_or_above_the_order_is_refused(
    client: FlaskClient, held: Resources, path: str
) -> None:
    market, _, code = market_with_voucher(held)
    amounts = [*(amount for amount in NOT_MONEY if amount != "null"), "8001"]
    answers = {
        amount: send(
            client, market.counter, path, **order(code.token, path), after_discount_fen=amount
        ).status_code
        for amount in amounts
    }
    assert answers == dict.fromkeys(amounts, 400)
    _assert_untouched(held)
    # The amount was what was wrong.
    fields = order(code.token, path) | {"after_discount_fen": "8000"}
    assert send(client, market.counter, path, **fields).status_code in (200, 201)


@pytest.mark.parametrize("path", ["/api/v1/redemptions", "/api/v1/quotes"])
def test_goods_that_are_no_amounts_or_more_than_was_bought_are_refused(
    client: FlaskClient, held: Resources, path: str
) -> None:
    market, _, code = market_with_voucher(held)
    kinds = get_args(GoodsKind)
    goods = [f'{{"{kinds[0]}":{amount}}}' for amount in [*NOT_MONEY, "8001"]]
    goods += [
        "{" + ",".join(f'"{kind}":8000' for kind in kinds[:2]) + "}",
        '{"diamonds":1}',
        '{"":1}',
        '{"\\u0000":1}',
        f'[{{"{kinds[0]}":1}}]',
        '"8000"',
        "null",
        "8000",
    ]
    answers = {
        each: send(client, market.counter, path, **order(code.token, path), goods=each).status_code
        for each in goods
    }
    assert answers == dict.fromkeys(goods, 400)
    _assert_untouched(held)
    fields = order(code.token, path) | {"goods": f'{{"{kinds[0]}":1}}'}
    assert send(client, market.counter, path, **fields).status_code in (200, 201)


def test_goods_that_come_back_for_no_amount_or_more_than_was_bought_are_refused(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    path = "/api/v1/redemptions"
    assert send(client, market.counter, path, **order(code.token, path)).status_code == 201
    before = _order(held)
    amounts = [amount for amount in NOT_MONEY if amount != "null"]
    answers = {
        amount: send(
            client, market.counter, f"{path}/A-1/refunds", refund_no='"R-1"', goods_fen=amount
        ).status_code
        for amount in amounts
    }
    assert answers == dict.fromkeys(amounts, 400)
    for above in ("8001", "1000000000000"):
        answer = send(
            client, market.counter, f"{path}/A-1/refunds", refund_no='"R-1"', goods_fen=above
        )
        assert (answer.status_code, answer.get_json()["left_fen"]) == (409, 8_000)
    client.post("/till/sign-in", data={"key": market.counter.key})
    typed = [*NOT_YUAN, "80.01", "9999999999.99"]
    pages = {
        amount: client.post(
            "/till/orders/A-1/refund", data={"goods": amount, "refund_no": "R-1"}
        ).status_code
        for amount in typed
    }
    assert pages == dict.fromkeys(NOT_YUAN, 400) | {"80.01": 409, "9999999999.99": 409}
    assert _order(held) == before
    assert_invariants(held)


def _order(held: Resources) -> tuple[int, int]:
    with transaction(held.sessions) as session:
        refunded_fen = session.execute(select(Order.refunded_fen)).scalar_one()
        return refunded_fen, session.execute(select(func.count(Refund.id))).scalar_one()


def test_amounts_typed_in_yuan_that_are_none_are_refused_on_the_page(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    client.post("/till/sign-in", data={"key": market.counter.key})
    answers = {
        amount: client.post(
            "/till/redeem", data={"amount": amount, "order_no": "A-1", "code": code.token}
        ).status_code
        for amount in NOT_YUAN
    }
    assert answers == dict.fromkeys(NOT_YUAN, 400)
    after = {
        amount: client.post(
            "/till/redeem",
            data={
                "amount": "80",
                "after_discount": amount,
                "order_no": "A-1",
                "code": code.typed_code,
            },
        ).status_code
        for amount in [*filter(None, NOT_YUAN), "80.01"]
    }
    assert set(after.values()) == {400}, after
    _assert_untouched(held)


def test_a_caller_does_not_set_what_the_service_decides(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    body = {"vouchers": [{"code": code.token}], "order_no": "A-1", "order_fen": 8_000}
    for key in ("discount_fen", "face_fen", "customer_pays_fen", "merchant_id", "channel", "id"):
        answer = client.post(
            "/api/v1/redemptions", json=body | {key: 1}, headers=market.counter.headers
        )
        assert answer.status_code == 400, key
    _assert_untouched(held)


def _assert_untouched(held: Resources) -> None:
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Redemption.id))).scalar_one() == 0
        assert session.scalars(select(Voucher.state)).one() == VoucherState.ISSUED
    assert_invariants(held)
