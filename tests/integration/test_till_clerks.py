"""Clerks come on duty by PIN, and go off it: by hand, by the clock, or by the owner's word."""

import time
from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select, update

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from merchants.tills import duty
from merchants.tills.clerks import set_pin
from merchants.tills.errors import PinLockedError, WrongPinError
from merchants.tills.models import Clerk, ClerkTries
from merchants.tills.pin import check_pin
from redemption.models import Order
from tests.factories.campaigns import make_season
from tests.factories.redemption import (
    Counter,
    another_till,
    make_counter,
    market_with_voucher,
)
from tests.factories.tills import PIN, make_clerk, owner_of, sign_in_till, take_over
from tests.harness.web import at_once
from tests.invariants import assert_invariants

_HTML = {"Accept": "text/html"}


@pytest.fixture
def counter(held: Resources) -> Counter:
    with transaction(held.sessions) as session:
        return make_counter(session, make_season(session).district)


def where_to(client: FlaskClient, path: str = "/till/") -> str | None:
    return client.get(path, headers=_HTML).location


def try_pin(
    held: Resources, counter: Counter, clerk_id: UUID, pin: str, *, late_s: int = 0
) -> bool:
    """Whether the PIN was right; the clock may be said to be late."""
    with transaction(held.sessions) as session:
        now = db_now(session) + timedelta(seconds=late_s)
        try:
            check_pin(session, held.vault, counter.till.id, clerk_id, pin, now=now)
        except WrongPinError:
            return False
        return True


def test_once_there_are_clerks_a_browser_shows_and_redeems_nothing_without_one(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    counter = market.counter
    sign_in_till(client, counter)
    assert where_to(client) is None
    assert "还没有店员" in client.get("/till/clerk").text
    clerk_id = make_clerk(held, counter)
    for path in ("/till/", "/till/today", "/till/shift", "/till/practice"):
        assert where_to(client, path) == f"/till/clerk?next={path}"
    body = {"vouchers": [{"code": code.typed_code}], "order_no": "A-1", "order_fen": 8_000}
    form = {"amount": "80", "order_no": "A-1", "code": code.typed_code}
    answer = client.post("/api/v1/redemptions", json=body)
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["slug"] == "clerk-needed"
    assert client.post("/till/practice/redemptions", json={}).status_code == 403
    assert client.post("/till/redeem", data=form, headers=_HTML).location.startswith("/till/clerk")
    with transaction(held.sessions) as session:
        assert session.scalars(select(Order)).all() == []
    # A program has no clerk, and a till's key is enough for it.
    asked = client.get("/api/v1/redemptions/A-1", headers=counter.headers)
    assert asked.status_code == 404
    assert take_over(client, clerk_id).status_code == 303
    assert "小王" in client.get("/till/").text
    assert client.post("/till/redeem", data=form).status_code == 303
    assert "小王" in client.get("/till/orders/A-1/receipt").text
    with transaction(held.sessions) as session:
        assert session.execute(select(Order.clerk_id)).scalar_one() == clerk_id
    assert_invariants(held)


def test_duty_is_one_clerks_in_one_browser_until_another_ones_pin(
    app: OpenAPI, client: FlaskClient, held: Resources, counter: Counter
) -> None:
    first = make_clerk(held, counter)
    second = make_clerk(held, counter, "小李", "90210")
    sign_in_till(client, counter)
    take_over(client, first)
    copied = client.get_cookie("coupon_duty")
    assert copied is not None
    other = app.test_client()
    sign_in_till(other, counter)
    other.set_cookie("coupon_duty", copied.value)
    assert (where_to(other) or "").startswith("/till/clerk")
    # Not the last letter: not all of its bits count.
    at = len(copied.value) - 9
    forged = copied.value[:at] + ("A" if copied.value[at] != "A" else "B") + copied.value[at + 1 :]
    client.set_cookie("coupon_duty", forged)
    assert (where_to(client) or "").startswith("/till/clerk")
    client.set_cookie("coupon_duty", copied.value)
    assert where_to(client) is None
    assert client.post("/till/clerk/lock").location.startswith("/till/clerk")
    assert (where_to(client) or "").startswith("/till/clerk")
    assert take_over(client, second).status_code == 400
    assert take_over(client, second, "90210").status_code == 303
    assert "小李" in client.get("/till/").text
    assert client.post("/till/sign-out").location == "/till/sign-in"


def test_a_till_left_alone_locks_itself_and_one_in_use_does_not(
    monkeypatch: pytest.MonkeyPatch, client: FlaskClient, held: Resources, counter: Counter
) -> None:
    clerk_id = make_clerk(held, counter)
    sign_in_till(client, counter)
    take_over(client, clerk_id)
    began = time.time()
    for later_s in (500, 1_000, 1_500):
        monkeypatch.setattr(duty, "time", lambda at=began + later_s: at)
        assert where_to(client) is None
    monkeypatch.setattr(duty, "time", lambda: began + 1_500 + 600)
    assert (where_to(client) or "").startswith("/till/clerk")


def test_stopping_a_clerk_or_changing_the_pin_ends_their_duty(
    monkeypatch: pytest.MonkeyPatch, client: FlaskClient, held: Resources, counter: Counter
) -> None:
    monkeypatch.setattr(duty, "FRESH_S", 0)
    clerk_id = make_clerk(held, counter)
    make_clerk(held, counter, "小李")
    sign_in_till(client, counter)
    take_over(client, clerk_id)
    assert where_to(client) is None
    with transaction(held.sessions) as session:
        now = db_now(session)
        set_pin(session, held.vault, counter.store.id, clerk_id, "5302", now=now)
    assert (where_to(client) or "").startswith("/till/clerk")
    assert take_over(client, clerk_id).status_code == 400
    assert take_over(client, clerk_id, "5302").status_code == 303
    with transaction(held.sessions) as session:
        session.execute(update(Clerk).where(Clerk.id == clerk_id).values(is_active=False))
    assert (where_to(client) or "").startswith("/till/clerk")
    assert take_over(client, clerk_id, "5302").status_code == 400


def test_guesses_that_come_at_once_are_all_counted(held: Resources, counter: Counter) -> None:
    clerk_id = make_clerk(held, counter)

    def guess(number: int) -> str:
        with transaction(held.sessions) as session:
            now = db_now(session)
            try:
                pin = f"{number:04}"
                check_pin(session, held.vault, counter.till.id, clerk_id, pin, now=now)
            except (WrongPinError, PinLockedError) as refusal:
                return refusal.slug
        return "right"

    answers = at_once(12, guess)
    assert answers.count("wrong-pin") == 5
    assert answers.count("pin-locked") == 7


def test_five_wrong_pins_lock_the_clerk_at_that_till_until_time_or_the_owner_helps(
    app: OpenAPI, client: FlaskClient, held: Resources, counter: Counter
) -> None:
    with transaction(held.sessions) as session:
        beside = another_till(session, counter)
    clerk_id = make_clerk(held, counter)
    for _ in range(2):  # a right one forgets the wrong ones
        assert not any(try_pin(held, counter, clerk_id, "0000") for _ in range(4))
        assert try_pin(held, counter, clerk_id, PIN)
    for late_s in range(-5_000, 0, 1_000):  # and so does time
        assert not try_pin(held, counter, clerk_id, "0000", late_s=late_s)
    sign_in_till(client, counter)
    pages = [take_over(client, clerk_id, "0000") for _ in range(6)]
    assert [page.status_code for page in pages] == [400] * 5 + [429]
    assert "还可以试 4 次" in pages[0].text
    assert 0 < int(pages[5].headers["Retry-After"]) <= 900
    assert take_over(client, clerk_id).status_code == 429
    assert try_pin(held, beside, clerk_id, PIN)
    owner = owner_of(app, held, counter)
    where = f"/merchant/stores/{counter.store.id}/clerks/{clerk_id}/pin"
    for pin in ("123", "1234567", "1111", "4321", "１２３５", "12a5", ""):
        page = owner.post(where, data={"pin": pin})
        assert page.status_code == 400
        assert "店员密码为 4 到 6 位数字" in page.text
    assert take_over(client, clerk_id).status_code == 429
    assert owner.post(where, data={"pin": "5302"}).status_code == 303
    assert take_over(client, clerk_id, "5302").status_code == 303
    with transaction(held.sessions) as session:
        assert session.scalars(select(ClerkTries)).all() == []


def test_a_lock_ends_by_itself_after_a_quarter_of_an_hour(
    held: Resources, counter: Counter
) -> None:
    clerk_id = make_clerk(held, counter)
    assert not any(try_pin(held, counter, clerk_id, "0000") for _ in range(5))
    with pytest.raises(PinLockedError):
        try_pin(held, counter, clerk_id, PIN, late_s=899)
    assert try_pin(held, counter, clerk_id, PIN, late_s=901)


def test_the_owner_keeps_clerks_whose_names_are_sealed_and_nobody_elses(
    app: OpenAPI, client: FlaskClient, held: Resources, counter: Counter
) -> None:
    with transaction(held.sessions) as session:
        other = make_counter(session, make_season(session).district)
    theirs = make_clerk(held, other)
    owner = owner_of(app, held, counter)
    store = f"/merchant/stores/{counter.store.id}"
    assert "谁都可以核销" in owner.get(f"{store}/clerks").text
    for name, status in (("王小明", 303), ("王小明", 409), (" ", 400)):
        answer = owner.post(f"{store}/clerks", data={"name": name, "pin": PIN})
        assert answer.status_code == status
    assert "王小明" in owner.get(f"{store}/clerks").text
    with transaction(held.sessions) as session:
        (mine,) = session.execute(
            select(Clerk.__table__).where(Clerk.store_id == counter.store.id)
        ).all()
    assert "王小明".encode() not in b"".join(part for part in mine if isinstance(part, bytes))
    for minutes, status in (("1", 400), ("121", 400), ("x", 400), ("３０", 400), ("30", 303)):
        assert owner.post(f"{store}/idle", data={"minutes": minutes}).status_code == status
    assert 'value="30"' in owner.get(f"{store}/clerks").text
    sign_in_till(client, counter)
    assert take_over(client, theirs).status_code == 400
    for at in (store, f"/merchant/stores/{other.store.id}"):
        for what, form in (("pin", {"pin": "5302"}), ("active", {"active": "0"})):
            assert owner.post(f"{at}/clerks/{theirs}/{what}", data=form).status_code == 404
    assert try_pin(held, other, theirs, PIN)
