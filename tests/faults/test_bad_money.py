"""Amounts that are none: refused before anything happens."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher, VoucherState
from redemption.models import Redemption
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
    fields = {"vouchers": f'[{{"code": "{code.token}"}}]'}
    if path.endswith("redemptions"):
        fields["order_no"] = '"A-1"'
    answers = {
        amount: send(client, market.counter, path, order_fen=amount, **fields)
        for amount in NOT_MONEY
    }
    assert {amount: answer.status_code for amount, answer in answers.items()} == dict.fromkeys(
        NOT_MONEY, 400
    )
    assert {answer.mimetype for answer in answers.values()} == {"application/problem+json"}
    _assert_untouched(held)


def test_an_amount_after_discount_that_is_none_or_above_the_order_is_refused(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    amounts = [*(amount for amount in NOT_MONEY if amount != "null"), "8001"]
    answers = {
        amount: send(
            client,
            market.counter,
            "/api/v1/redemptions",
            code=f'"{code.token}"',
            order_no='"A-1"',
            order_fen="8000",
            after_discount_fen=amount,
        ).status_code
        for amount in amounts
    }
    assert answers == dict.fromkeys(amounts, 400)
    _assert_untouched(held)


def test_amounts_typed_in_yuan_that_are_none_are_refused_on_the_page(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    client.post("/till/sign-in", data={"key": market.counter.key})
    typed = [
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
    answers = {
        amount: client.post(
            "/till/redeem", data={"amount": amount, "order_no": "A-1", "code": code.token}
        ).status_code
        for amount in typed
    }
    assert answers == dict.fromkeys(typed, 400)
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
