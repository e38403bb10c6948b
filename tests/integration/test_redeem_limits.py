"""How often a till may ask, and what guessing codes brings: nothing, soon."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from werkzeug.test import TestResponse

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from coupon_service.vouchers.models import Voucher, VoucherState
from tests.factories.redemption import Counter, another_till, market_with_voucher


@pytest.fixture
def app(settings: Settings) -> Iterator[OpenAPI]:
    """The application with its rate limits on."""
    app = create_app(settings.model_copy(update={"rate_limits_enabled": True}))
    with app.app_context():
        yield app
        resources().engine.dispose()


def redeem_at(client: FlaskClient, counter: Counter, code: str, order_no: str) -> TestResponse:
    body = {"vouchers": [{"code": code}], "order_no": order_no, "order_fen": 8_000}
    return client.post("/api/v1/redemptions", json=body, headers=counter.headers)


def guess(client: FlaskClient, counter: Counter, times: int) -> list[int]:
    return [
        redeem_at(client, counter, f"{number:012d}", f"G-{number}").status_code
        for number in range(times)
    ]


def state_of(held: Resources, voucher_id: UUID) -> str:
    with transaction(held.sessions) as session:
        return session.get_one(Voucher, voucher_id).state


def test_the_answer_says_how_much_of_the_limit_is_left(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    answer = redeem_at(client, market.counter, code.token, "A-1")
    assert answer.headers["RateLimit-Policy"] == '"default";q=120;w=60'
    assert answer.headers["RateLimit"].startswith('"default";r=119;')


def test_a_till_that_scans_too_often_is_told_when_to_come_back(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    redeem_at(client, market.counter, code.token, "A-1")
    answers = [redeem_at(client, market.counter, code.token, "A-1") for _ in range(120)]
    assert [answer.status_code for answer in answers] == [200] * 119 + [429]
    refused = answers[-1]
    assert refused.json is not None
    assert refused.json["slug"] == "too-many-requests"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_after_a_few_wrong_digits_right_ones_are_refused_alike(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    assert guess(client, market.counter, 8) == [400] * 6 + [429] * 2
    right = redeem_at(client, market.counter, code.typed_code, "A-1")
    wrong = redeem_at(client, market.counter, "000000000099", "A-1")
    assert right.json is not None
    assert wrong.json is not None
    assert right.status_code == wrong.status_code == 429
    assert right.json | {"request_id": ""} == wrong.json | {"request_id": ""}
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_quotes_and_pages_draw_on_the_same_budget_of_wrong_digits(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    for number in range(3):
        quoted = client.post(
            "/api/v1/quotes",
            json={"vouchers": [{"code": f"{number:012d}"}], "order_fen": 8_000},
            headers=market.counter.headers,
        )
        assert quoted.status_code == 400
    client.post("/till/sign-in", data={"key": market.counter.key})
    form = {"amount": "80", "order_no": "A-1", "code": "000000000009"}
    assert [client.post("/till/redeem", data=form).status_code for _ in range(4)] == [
        400,
        400,
        400,
        429,
    ]
    assert redeem_at(client, market.counter, code.typed_code, "A-1").status_code == 429


def test_scanning_goes_on_while_typing_is_blocked(client: FlaskClient, held: Resources) -> None:
    market, voucher_id, code = market_with_voucher(held)
    guess(client, market.counter, 8)
    assert redeem_at(client, market.counter, code.token, "A-1").status_code == 201
    assert state_of(held, voucher_id) == VoucherState.REDEEMED


def test_one_tills_guesses_do_not_block_its_neighbour(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        neighbour = another_till(session, market.counter)
    guess(client, market.counter, 8)
    assert redeem_at(client, neighbour, code.typed_code, "A-1").status_code == 201


def test_typing_right_digits_is_not_charged(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    answers = [redeem_at(client, market.counter, code.typed_code, "A-1") for _ in range(10)]
    assert [answer.status_code for answer in answers] == [201] + [200] * 9


def test_keys_cannot_be_guessed_at_the_sign_in_page(client: FlaskClient, held: Resources) -> None:
    answers = [
        client.post("/till/sign-in", data={"key": f"till_{number}"}).status_code
        for number in range(21)
    ]
    assert answers == [401] * 20 + [429]
