"""A merchant's person signs in and sees the merchant's money, and nobody else's."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from merchants.errors import CodeTakenError
from merchants.onboard import create_user
from tests.factories.merchants import (
    Bazaar,
    hold_items,
    make_bazaar,
    make_payee,
    owe,
    settle_now,
)
from tests.factories.redemption import Counter
from tests.invariants import assert_invariants

PASSWORD = "correct horse battery"


@pytest.fixture
def shop(held: Resources) -> tuple[Bazaar, Counter]:
    with transaction(held.sessions) as session:
        bazaar = make_bazaar(session)
        counter = make_payee(held, session, bazaar, name="庆丰<b>小馆</b>")
        create_user(session, counter.merchant.id, username="Boss", password=PASSWORD)
        return bazaar, counter


def sign_in(client: FlaskClient, username: str = "boss", password: str = PASSWORD) -> int:
    form = {"username": username, "password": password}
    return client.post("/merchant/sign-in", data=form).status_code


def test_the_statement_shows_what_is_owed_held_on_its_way_and_set_off(
    held: Resources, client: FlaskClient, shop: tuple[Bazaar, Counter]
) -> None:
    bazaar, counter = shop
    with transaction(held.sessions) as session:
        other = make_payee(held, session, bazaar)
        owe(session, bazaar, other, 9_876)
        owe(session, bazaar, counter, 4_321)
    settle_now(held, bazaar.season_id)
    with transaction(held.sessions) as session:
        owe(session, bazaar, counter, 1_234)
        hold_items(session, bazaar, counter, [owe(session, bazaar, counter, 2_345)])
    assert sign_in(client) == 302
    page = client.get("/merchant/")
    assert page.status_code == 200
    for shown in ("43.21", "12.34", "23.45", "冻结核查", "银行处理中", "0012", "庆丰&lt;b&gt;小馆"):
        assert shown in page.text
    assert "98.76" not in page.text
    assert "6299990000000000012" not in page.text
    assert_invariants(held)


def test_a_season_of_another_district_cannot_be_asked_for(
    held: Resources, client: FlaskClient, shop: tuple[Bazaar, Counter]
) -> None:
    with transaction(held.sessions) as session:
        elsewhere = make_bazaar(session).small.season
        elsewhere.name = "外区消费季"
    sign_in(client)
    page = client.get(f"/merchant/?season={elsewhere.code}")
    assert "外区消费季" not in page.text
    assert shop[0].small.season.name in page.text


def test_nobody_sees_a_statement_without_signing_in(client: FlaskClient) -> None:
    sent = client.get("/merchant/", headers={"Accept": "text/html"})
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith("/merchant/sign-in?")


def test_signing_out_ends_the_session(client: FlaskClient, shop: object) -> None:
    sign_in(client)
    cookie = client.get_cookie("coupon_merchant")
    assert cookie is not None
    assert client.post("/merchant/sign-out").status_code == 302
    assert client.get("/merchant/").status_code != 200


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    client: FlaskClient, shop: object
) -> None:
    form = {"username": "boss", "password": "wrong"}
    wrong = client.post("/merchant/sign-in", data=form)
    unknown = client.post("/merchant/sign-in", data=form | {"username": "miss"})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace("boss", "miss") == unknown.text
    for odd in ("bo\0ss", "x" * 10_000, "", "老板", "'; DROP TABLE merchants;--"):
        assert sign_in(client, username=odd) == 401
        assert sign_in(client, password=odd) == 401


def test_signing_in_does_not_send_the_visitor_to_another_site(
    client: FlaskClient, shop: object
) -> None:
    form = {"username": "boss", "password": PASSWORD}
    for wanted in ("https://evil.example/", "//evil.example", "\\\\evil.example"):
        sent = client.post("/merchant/sign-in", data=form, query_string={"next": wanted})
        assert sent.headers["Location"] == "/merchant/"


def test_a_user_name_is_given_once_whatever_its_case(
    held: Resources, shop: tuple[Bazaar, Counter]
) -> None:
    with transaction(held.sessions) as session, pytest.raises(CodeTakenError):
        create_user(session, shop[1].merchant.id, username="BOSS", password=PASSWORD)


@pytest.fixture
def throttled(settings: Settings) -> Iterator[FlaskClient]:
    """The same service with its rate limits on."""
    app = create_app(settings.model_copy(update={"rate_limits_enabled": True}))
    with app.app_context():
        yield app.test_client()
        resources().engine.dispose()


def test_guessing_a_password_is_throttled_by_name(throttled: FlaskClient) -> None:
    answers = [sign_in(throttled, password=f"guess-{number}") for number in range(6)]
    assert answers == [401] * 5 + [429]
    assert sign_in(throttled, username="another", password="x") == 401
    refused = throttled.post("/merchant/sign-in", data={"username": "boss", "password": "x"})
    assert int(refused.headers["Retry-After"]) >= 1
