"""How often a till may ask, and what guessing codes brings: nothing, soon."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from werkzeug.test import TestResponse

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.redis import make_hint_redis
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from coupon_service.vouchers.models import Voucher, VoucherState
from redemption.limits import Limit, Limits
from tests.conftest import Servers
from tests.factories.redemption import (
    Counter,
    another_till,
    make_counter,
    make_voucher,
    market_with_voucher,
    shown,
)

REDEEM = "/api/v1/redemptions"
FORGED = "A" * 223


@pytest.fixture
def changes() -> dict[str, Any]:
    """Settings that a test wants otherwise."""
    return {}


@pytest.fixture
def app(settings: Settings, changes: dict[str, Any]) -> Iterator[OpenAPI]:
    """The application with its rate limits on."""
    app = create_app(settings.model_copy(update={"rate_limits_enabled": True} | changes))
    with app.app_context():
        yield app
        resources().engine.dispose()


def redeem_at(client: FlaskClient, counter: Counter, code: str, order_no: str) -> TestResponse:
    body = {"vouchers": [{"code": code}], "order_no": order_no, "order_fen": 8_000}
    return client.post(REDEEM, json=body, headers=counter.headers)


def come_from(client: FlaskClient, address: str) -> None:
    client.environ_base["HTTP_X_FORWARDED_FOR"] = address


def guess(client: FlaskClient, counter: Counter, times: int) -> list[int]:
    return [guess_number(client, counter, number) for number in range(times)]


def guess_number(client: FlaskClient, counter: Counter, number: int) -> int:
    return redeem_at(client, counter, f"{number:012d}", f"G-{number}").status_code


def state_of(held: Resources, voucher_id: UUID) -> str:
    with transaction(held.sessions) as session:
        return session.get_one(Voucher, voucher_id).state


def test_the_answer_says_how_much_is_left_of_the_tightest_limit(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    paid = redeem_at(client, market.counter, code.token, "A-1")
    assert paid.headers["RateLimit-Policy"] == '"voucher";q=10;w=60'
    assert paid.headers["RateLimit"] == '"voucher";r=9;t=60'
    forged = redeem_at(client, market.counter, FORGED, "A-2")
    assert forged.headers["RateLimit-Policy"] == '"till";q=120;w=60'
    assert forged.headers["RateLimit"].startswith('"till";r=118;')


def test_a_till_that_asks_too_often_is_told_when_to_come_back(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    answers = [redeem_at(client, market.counter, FORGED, f"A-{n}") for n in range(60)]
    answers += [client.post(REDEEM, data=b"[", headers=market.counter.headers) for _ in range(60)]
    assert [answer.status_code for answer in answers] == [400] * 120
    refused = redeem_at(client, market.counter, code.token, "A-1")
    assert refused.json is not None
    assert (refused.status_code, refused.json["slug"]) == (429, "too-many-requests")
    assert refused.headers["RateLimit"].startswith('"till";r=0;')
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_a_voucher_wears_out_wherever_it_is_shown(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        neighbour = another_till(session, market.counter)
        other = shown(session, make_voucher(session, market.release))
    here = [redeem_at(client, market.counter, code.token, "A-1").status_code for _ in range(5)]
    there = [redeem_at(client, neighbour, code.token, "A-1").status_code for _ in range(6)]
    assert (here, there) == ([201, 200, 200, 200, 200], [200] * 5 + [429])
    assert redeem_at(client, neighbour, other.token, "A-2").status_code == 201


def test_an_old_picture_does_not_wear_out_its_voucher(client: FlaskClient, held: Resources) -> None:
    market, voucher_id, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        hour_ago = db_now(session) - timedelta(hours=1)
        picture = shown(session, voucher_id, now=hour_ago).token
    for number in range(11):
        refused = redeem_at(client, market.counter, picture, f"A-{number}")
        assert refused.get_json()["slug"] == "expired-token"
    assert redeem_at(client, market.counter, code.token, "A-1").status_code == 201


@pytest.mark.parametrize("changes", [{"scans_per_merchant_max": 3}])
def test_the_tills_of_a_merchant_share_a_budget(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        neighbour = another_till(session, market.counter)
        competitor = make_counter(session, market.small.district)
    for till in (market.counter, market.counter, neighbour):
        assert redeem_at(client, till, FORGED, "A-1").status_code == 400
    refused = redeem_at(client, neighbour, code.token, "A-1")
    assert refused.status_code == 429
    assert refused.headers["RateLimit"].startswith('"merchant";r=0;')
    assert redeem_at(client, competitor, code.token, "A-1").status_code == 201


@pytest.mark.parametrize("changes", [{"scans_per_network_max": 3, "trusted_proxies": 1}])
def test_the_tills_behind_one_address_share_a_budget(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        competitor = make_counter(session, market.small.district)
    for host in (1, 2, 3):
        # Of IPv6 it is the subscriber's network that counts.
        come_from(client, f"2001:db8:1:1::{host}")
        assert redeem_at(client, market.counter, FORGED, "A-1").status_code == 400
    refused = redeem_at(client, competitor, code.token, "A-1")
    assert refused.headers["RateLimit"].startswith('"network";r=0;')
    come_from(client, "2001:db8:1:2::1")
    assert redeem_at(client, competitor, code.token, "A-1").status_code == 201


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
    assert 1 <= int(client.post("/till/redeem", data=form).headers["Retry-After"]) <= 60
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


def test_guesses_that_come_at_once_are_not_free(
    app: OpenAPI, client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, _ = market_with_voucher(held)

    def guess_once(number: int) -> int:
        with app.app_context():
            return guess_number(app.test_client(), market.counter, number)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess_once, range(16)))
    assert sorted(answers) == [400] * 6 + [429] * 10
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_guesses_at_all_tills_of_a_merchant_are_counted_together(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        tills = [another_till(session, market.counter) for _ in range(6)]
    for till in tills[:5]:
        assert guess(client, till, 6) == [400] * 6
    assert redeem_at(client, tills[5], code.typed_code, "A-1").status_code == 429


@pytest.fixture(params=["redis", "memory"])
def counts(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Limits:
    """Limits over a Redis, and over one that nobody runs."""
    nowhere = f"unix://{tmp_path / 'nowhere.sock'}"
    url = servers.redis_url if request.param == "redis" else nowhere
    return Limits(make_hint_redis(url, timeout_s=0.5))


def test_redis_and_memory_count_alike(counts: Limits) -> None:
    who = uuid4().hex
    wide, narrow = Limit("wide", who, 9, 60), Limit("narrow", who, 3, 60)
    one, two, three = counts.ask([[wide], [wide, narrow], [wide, narrow]])
    assert [(at.limit.name, at.left) for at in (one, two, three)] == [
        ("wide", 8),
        ("narrow", 2),
        ("narrow", 1),
    ]
    four, five = counts.ask([[narrow], [wide, narrow]])
    assert (four.left, five.left, five.passed, five.limit) == (0, -1, False, narrow)
    assert 0 < five.reset_ms <= 60_000
    # What did not pass took no room of the other limit either.
    assert counts.ask([[wide]])[0].left == 5
    counts.give_back([narrow], four)
    assert [at.left for at in counts.ask([[narrow], [narrow]])] == [0, -1]
    # The window moves with what it counted.
    short = Limit("short", who, 2, 1)
    assert [at.left for at in counts.ask([[short]] * 3)] == [1, 0, -1]
    sleep(counts.ask([[short]])[0].reset_ms / 1000 + 0.005)
    assert counts.ask([[short]])[0].left == 1


@pytest.mark.parametrize("changes", [{"redis_url": "unix:///nowhere.sock?db=0"}])
def test_a_till_goes_on_under_its_limits_without_redis(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    answers = [redeem_at(client, market.counter, code.token, "A-1") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [201] + [200] * 9 + [429]
    assert guess(client, market.counter, 8) == [400] * 6 + [429] * 2


def test_keys_cannot_be_guessed_at_the_sign_in_page(client: FlaskClient, held: Resources) -> None:
    answers = [
        client.post("/till/sign-in", data={"key": f"till_{number}"}).status_code
        for number in range(21)
    ]
    assert answers == [401] * 20 + [429]
