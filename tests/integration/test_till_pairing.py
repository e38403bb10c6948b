"""Pairing a browser with a till: by a code, once, and until the owner ends it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, update

from coupon_service.core import auth
from coupon_service.core.auth import Kind
from coupon_service.core.db import transaction
from coupon_service.core.models import SignInSession
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from merchants.models import Till
from merchants.tills.models import TillBrowser, TillPairing
from tests.factories.campaigns import make_season
from tests.factories.redemption import Counter, make_counter
from tests.factories.tills import owner_of

_HTML = {"Accept": "text/html"}
_PHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1"
}


@pytest.fixture
def counter(held: Resources) -> Counter:
    with transaction(held.sessions) as session:
        return make_counter(session, make_season(session).district)


@pytest.fixture
def owner(app: OpenAPI, held: Resources, counter: Counter) -> FlaskClient:
    return owner_of(app, held, counter)


def new_code(owner: FlaskClient, counter: Counter) -> str:
    page = owner.post(f"/merchant/tills/{counter.till.id}/pairing")
    assert page.status_code == 200
    found = re.search(r'pairing__code">([0-9A-Z]{4}-[0-9A-Z]{4})<', page.text)
    assert found is not None
    return found[1]


def pair(client: FlaskClient, code: str, device: str = "") -> int:
    form = {"code": code, "device": device}
    return client.post("/till/pair", data=form, headers=_PHONE).status_code


def test_a_code_turns_one_browser_into_the_till_and_is_used_up(
    app: OpenAPI, client: FlaskClient, held: Resources, owner: FlaskClient, counter: Counter
) -> None:
    code = new_code(owner, counter)
    with transaction(held.sessions) as session:
        row = session.execute(select(TillPairing.__table__)).one()
    assert code.replace("-", "") not in repr(row)
    for _ in range(2):  # the link of the QR code fills the form in, and uses nothing
        assert f'value="{code}"' in client.get(f"/till/pair?code={code}").text
    assert pair(client, code.lower().replace("-", " "), "前台平板") == 303
    assert counter.store.name in client.get("/till/").text
    assert pair(app.test_client(), code) == 400
    # The same browser as another till, or as the same once more, counts once.
    assert pair(client, new_code(owner, counter), "前台平板") == 303
    assert "1 台设备" in owner.get("/merchant/tills").text
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count()).select_from(TillPairing)).scalar_one() == 0
        assert session.scalars(select(TillBrowser.name)).all() == ["前台平板"] * 2


def test_wrong_old_replaced_and_switched_off_codes_get_one_and_the_same_answer(
    app: OpenAPI, client: FlaskClient, held: Resources, owner: FlaskClient, counter: Counter
) -> None:
    replaced = new_code(owner, counter)
    old = new_code(owner, counter)
    with transaction(held.sessions) as session:
        session.execute(
            update(TillPairing).values(expires_at=TillPairing.expires_at - timedelta(minutes=10))
        )
    pages = [client.post("/till/pair", data={"code": code}) for code in (replaced, old)]
    off = new_code(owner, counter)
    owner.post(f"/merchant/tills/{counter.till.id}/active", data={"active": "0"})
    pages += [client.post("/till/pair", data={"code": code}) for code in (off, "0" * 8, "", "ü")]
    texts = {re.sub(r' value="[^"]*"| autofocus', "", page.text) for page in pages}
    assert [page.status_code for page in pages] == [400] * 6
    assert len(texts) == 1
    assert all("Set-Cookie" not in page.headers for page in pages)
    with transaction(held.sessions) as session:
        kinds = session.scalars(select(SignInSession.principal_kind)).all()
    assert Kind.TILL not in kinds


def test_the_owner_sees_the_browsers_and_ends_one_within_a_minute(
    monkeypatch: pytest.MonkeyPatch, app: OpenAPI, held: Resources, counter: Counter
) -> None:
    monkeypatch.setattr(auth, "FRESH_S", -1)  # every request comes a minute after the one before
    owner, paired, by_key = owner_of(app, held, counter), app.test_client(), app.test_client()
    by_key.post("/till/sign-in", data={"key": counter.key})
    assert pair(paired, new_code(owner, counter)) == 303
    for browser in (paired, by_key):  # seen when its cookie is signed anew
        assert browser.get("/till/", headers=_HTML).status_code == 200
    where = f"/merchant/tills/{counter.till.id}"
    page = owner.get(where).text
    for words in ("iPhone · Safari", "最近使用", "密钥登录"):
        assert words in page
    assert "2 台设备" in owner.get("/merchant/tills").text
    # The paired one has been used first, so it stands last.
    *_, end = re.findall(rf"{where}/browsers/[0-9a-f-]+/end", page)
    for _ in range(2):
        assert owner.post(end).status_code == 303
    assert paired.get("/till/", headers=_HTML).location.startswith("/till/sign-in")
    assert by_key.get("/till/", headers=_HTML).status_code == 200
    assert "1 台设备" in owner.get("/merchant/tills").text


def test_one_owner_cannot_touch_another_ones_tills(
    app: OpenAPI, client: FlaskClient, held: Resources, owner: FlaskClient, counter: Counter
) -> None:
    with transaction(held.sessions) as session:
        other = make_counter(session, make_season(session).district)
    pair(client, new_code(owner, counter))
    stranger = owner_of(app, held, other)
    with transaction(held.sessions) as session:
        browser_id = session.execute(select(TillBrowser.session_id)).scalar_one()
    mine = f"/merchant/tills/{counter.till.id}"
    assert str(counter.till.id) not in stranger.get("/merchant/tills").text
    for path in (f"{mine}/pairing", f"{mine}/active", f"{mine}/browsers/{browser_id}/end"):
        assert stranger.post(path, data={"active": "0"}).status_code == 404
    # A browser of one's own till is not named by somebody else's till.
    theirs = f"/merchant/tills/{other.till.id}/browsers/{browser_id}/end"
    assert stranger.post(theirs).status_code == 404
    assert client.get("/till/").status_code == 200
    with transaction(held.sessions) as session:
        assert session.get_one(Till, counter.till.id).is_active


def test_a_new_till_is_made_and_paired_without_anybody_seeing_its_key(
    client: FlaskClient, held: Resources, owner: FlaskClient, counter: Counter
) -> None:
    made = owner.post(f"/merchant/stores/{counter.store.id}/tills", data={"name": " 3号 "})
    assert made.status_code == 303
    page = owner.get(made.headers["Location"]).text
    assert "<h1>3号</h1>" in page
    assert "till_" not in page
    code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", owner.post(f"{made.location}/pairing").text)
    assert code is not None
    assert pair(client, code[0]) == 303


@pytest.fixture
def throttled(settings: Settings) -> Iterator[FlaskClient]:
    """The same service with its rate limits on."""
    app = create_app(settings.model_copy(update={"rate_limits_enabled": True}))
    with app.app_context():
        yield app.test_client()
        resources().engine.dispose()


def test_guessing_codes_is_throttled(throttled: FlaskClient) -> None:
    assert [pair(throttled, f"000000{number:02}") for number in range(11)] == [400] * 10 + [429]
