"""A point-of-sale system signs each request: the right one passes, once, and nothing else."""

import time
from dataclasses import replace
from uuid import uuid4

import pytest
from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import func, select

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.redis import make_hint_redis
from coupon_service.core.resources import EXTENSION, Resources
from merchants.errors import PosKeyNeededError, TillNotFoundError, TooManyPosKeysError
from merchants.models import PosKey
from merchants.onboard import set_till_active
from merchants.pos_keys import create_pos_key, read_key_name, revoke_pos_key, set_signed_only
from merchants.signed_till import TOLERANCE_S
from redemption.models import Order
from tests.factories.pos import PosSystem, make_pos_key
from tests.factories.redemption import Market, make_counter, market_with_voucher
from tests.invariants import assert_invariants

REDEEM = "/api/v1/redemptions"


@pytest.fixture(autouse=True)
def trusts_nothing_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process did shows at once."""
    monkeypatch.setattr("merchants.signed_till.CACHE_S", -1.0)
    monkeypatch.setattr("merchants.auth.CACHE_S", -1.0)


@pytest.fixture
def shop(held: Resources) -> tuple[Market, dict[str, object]]:
    """A market, and an order that one of its vouchers pays part of."""
    market, _, code = market_with_voucher(held)
    return market, {
        "vouchers": [{"code": code.typed_code}],
        "order_no": "A-1",
        "order_fen": 8_000,
    }


def orders(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(Order)).scalar_one()


def slug(answer: object) -> object:
    return answer.json["slug"]  # type: ignore[attr-defined]


def test_a_signed_order_is_redeemed_asked_for_and_reversed(
    held: Resources, client: FlaskClient, shop: tuple[Market, dict[str, object]]
) -> None:
    market, order = shop
    system = PosSystem(client, make_pos_key(held, market.counter))
    assert system.ask("POST", "/api/v1/quotes", order | {"order_no": None}).status_code == 400
    made = system.ask("POST", REDEEM, order)
    assert made.status_code == 201, made.text
    assert system.ask("POST", REDEEM, order).status_code == 200
    assert system.ask("GET", f"{REDEEM}/A-1").json["state"] == "redeemed"
    assert system.ask("GET", f"{REDEEM}/A-1?x=1&y=%20").status_code == 200
    assert system.ask("POST", f"{REDEEM}/A-1/reversal").json["state"] == "reversed"
    assert_invariants(held)


def test_a_request_that_was_received_before_is_refused(
    held: Resources, client: FlaskClient, shop: tuple[Market, dict[str, object]]
) -> None:
    market, order = shop
    system = PosSystem(client, make_pos_key(held, market.counter))
    assert system.ask("POST", REDEEM, order, nonce="the-same-nonce").status_code == 201
    again = system.ask("POST", REDEEM, order, nonce="the-same-nonce")
    assert (again.status_code, slug(again)) == (401, "request-replayed")
    assert orders(held) == 1
    (name,) = held.hints.keys("pos-nonce:*")
    assert 0 < held.hints.ttl(name) <= 2 * TOLERANCE_S
    assert system.key.partition(".")[2].encode() not in name


def test_without_redis_a_replay_finds_the_order_done_already(
    held: Resources, client: FlaskClient, shop: tuple[Market, dict[str, object]]
) -> None:
    market, order = shop
    gone = make_hint_redis("redis://127.0.0.1:1/0", timeout_s=0.1)
    current_app.extensions[EXTENSION] = replace(held, hints=gone)
    system = PosSystem(client, make_pos_key(held, market.counter))
    assert system.ask("POST", REDEEM, order, nonce="the-same-nonce").status_code == 201
    assert system.ask("POST", REDEEM, order, nonce="the-same-nonce").status_code == 200
    assert orders(held) == 1
    assert_invariants(held)


def test_a_clock_that_is_off_is_told_the_time(
    held: Resources, client: FlaskClient, shop: tuple[Market, dict[str, object]]
) -> None:
    market, order = shop
    system = PosSystem(client, make_pos_key(held, market.counter))
    for off_s in (-TOLERANCE_S - 2, TOLERANCE_S + 5):
        now_s = int(time.time())
        refused = system.ask("POST", REDEEM, order, created_s=now_s + off_s)
        assert (refused.status_code, slug(refused)) == (401, "request-time-off")
        assert abs(refused.json["now_s"] - now_s) < 5
    assert orders(held) == 0


def test_malformed_headers_a_wrong_signature_and_an_unknown_key_get_the_same_answer(
    held: Resources, client: FlaskClient, shop: tuple[Market, dict[str, object]]
) -> None:
    market, order = shop
    key = make_pos_key(held, market.counter)
    name, _, secret = key.partition(".")
    bodies = set()
    for wrong in (
        f"{name}.{secret[::-1]}",
        f"pos_{uuid4().hex}.{secret}",
        f"{name.replace('pos_', 'pos_test_')}.{secret}",
        f"{name.upper()}.{secret}",
        f"till_{name[4:]}.{secret}",
    ):
        refused = PosSystem(client, wrong).ask("POST", REDEEM, order)
        assert refused.status_code == 401
        bodies.add(str({k: v for k, v in refused.json.items() if k != "request_id"}))
    for headers in ({"Signature": ""}, {"Signature-Input": "x" * 9_000}, {"Signature": "\xff"}):
        refused = client.post(REDEEM, json=order, headers=headers)
        assert refused.status_code == 401
        bodies.add(str({k: v for k, v in refused.json.items() if k != "request_id"}))
    assert len(bodies) == 1
    assert "request-signature-invalid" in bodies.pop()
    assert orders(held) == 0


def test_a_signature_for_one_request_is_no_good_for_another(
    held: Resources, client: FlaskClient, shop: tuple[Market, dict[str, object]]
) -> None:
    market, order = shop
    system = PosSystem(client, make_pos_key(held, market.counter))
    stolen = system.headers("POST", "/api/v1/quotes", b"{}")
    for body in (b"{}", b'{"order_no":"A-1"}'):
        refused = client.post(REDEEM, data=body, headers=stolen, content_type="application/json")
        assert (refused.status_code, slug(refused)) == (401, "request-signature-invalid")
    # The key of the till itself does not mend a broken signature.
    headers = stolen | market.counter.headers
    refused = client.post(REDEEM, json=order, headers=headers)
    assert slug(refused) == "request-signature-invalid"
    assert orders(held) == 0


def test_a_till_has_two_keys_for_a_change_and_none_once_it_is_stopped(
    held: Resources, client: FlaskClient, shop: tuple[Market, dict[str, object]]
) -> None:
    market, order = shop
    counter = market.counter
    old, new = (make_pos_key(held, counter) for _ in range(2))
    with pytest.raises(TooManyPosKeysError):
        make_pos_key(held, counter)
    for key in (old, new):
        assert PosSystem(client, key).ask("POST", REDEEM, order).status_code in (200, 201)
    named = read_key_name(old.partition(".")[0])
    assert named is not None
    with transaction(held.sessions) as session:
        revoke_pos_key(session, counter.merchant.id, counter.till.id, named[0], now=db_now(session))
    assert PosSystem(client, old).ask("POST", REDEEM, order).status_code == 401
    assert PosSystem(client, new).ask("POST", REDEEM, order).status_code == 200
    make_pos_key(held, counter)  # there is room again
    with transaction(held.sessions) as session:
        set_till_active(session, counter.till.id, is_active=False)
    assert PosSystem(client, new).ask("POST", REDEEM, order).status_code == 401


def test_a_till_that_takes_signed_requests_only_refuses_its_own_key(
    held: Resources, client: FlaskClient, shop: tuple[Market, dict[str, object]]
) -> None:
    market, order = shop
    counter = market.counter
    where = (counter.merchant.id, counter.till.id)
    with pytest.raises(PosKeyNeededError), transaction(held.sessions) as session:
        set_signed_only(session, *where, signed_only=True)
    assert client.get(f"{REDEEM}/A-1", headers=counter.headers).status_code == 404
    system = PosSystem(client, make_pos_key(held, counter))
    with transaction(held.sessions) as session:
        set_signed_only(session, *where, signed_only=True)
    refused = client.post(REDEEM, json=order, headers=counter.headers)
    assert (refused.status_code, slug(refused)) == (401, "signature-needed")
    # A wrong key is not told what the till takes.
    wrong = counter.key[:-1] + ("A" if counter.key[-1] != "A" else "B")
    refused = client.post(REDEEM, json=order, headers={"Authorization": f"Bearer {wrong}"})
    assert slug(refused) == "not-signed-in"
    assert orders(held) == 0
    assert system.ask("POST", REDEEM, order).status_code == 201


def test_a_merchant_makes_and_revokes_keys_of_its_own_tills_only(
    held: Resources, shop: tuple[Market, dict[str, object]]
) -> None:
    market, _ = shop
    with transaction(held.sessions) as session:
        other = make_counter(session, market.small.district)
    make_pos_key(held, market.counter)
    with transaction(held.sessions) as session:
        key_id = session.execute(select(PosKey.id)).scalar_one()
        mine, till = other.merchant.id, market.counter.till.id
        with pytest.raises(TillNotFoundError):
            create_pos_key(session, held.vault, mine, till)
        with pytest.raises(TillNotFoundError):
            revoke_pos_key(session, mine, till, key_id, now=db_now(session))
        with pytest.raises(TillNotFoundError):
            set_signed_only(session, mine, till, signed_only=True)
