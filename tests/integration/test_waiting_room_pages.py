"""The waiting room's page, which works without JavaScript."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from time import time
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from coupon_service.core.db import transaction
from coupon_service.core.redis import make_hint_redis
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.issuance.gate import gate
from coupon_service.issuance.reconcile import warm
from coupon_service.issuance.waiting_room import facts as facts_module
from coupon_service.issuance.waiting_room import ticket
from coupon_service.issuance.waiting_room.facts import room_facts
from coupon_service.issuance.waiting_room.room import TURN_MS, Rooms, Wish, rooms
from coupon_service.residents.models import Resident
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.residents import signed_in_browser


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"redis_timeout_s": 5.0})


@pytest.fixture(autouse=True)
def forget_facts() -> Iterator[None]:
    facts_module._kept.clear()
    yield
    facts_module._kept.clear()


@pytest.fixture
def browser(app: OpenAPI) -> FlaskClient:
    return signed_in_browser(app, verified=True)


@pytest.fixture
def me(browser: FlaskClient, held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return session.scalars(select(Resident.id)).one()


def make_room(held: Resources, opens_in: timedelta) -> UUID:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        release = make_release(session, campaign, quantity=5, opens_in=opens_in)
        release.waiting_room = True
        session.flush()
        warm(session, gate(), release.id)
        return release.id


def stand_in(release_id: UUID, resident_id: UUID, *, let_in_at_ms: int | None = None) -> None:
    """Put the resident into the room before its opening, and perhaps give them a turn."""
    facts = room_facts(release_id)
    assert facts is not None
    rooms().place(facts, resident_id, Wish.ENTER, facts.opens_ms - 1)
    if let_in_at_ms is not None:
        assert rooms().let_in(facts, per_s=200, left=5, now_ms=let_in_at_ms) == 1


def test_before_the_opening_the_page_counts_down_by_the_servers_clock(
    browser: FlaskClient, me: UUID, held: Resources
) -> None:
    release_id = make_room(held, timedelta(minutes=10))
    page = browser.get(f"/waiting-room/{release_id}").text
    facts = room_facts(release_id)
    assert facts is not None
    assert f'data-countdown="{facts.opens_ms}"' in page
    assert "<noscript><meta http-equiv=" in page
    assert 'data-standing="lobby"' in page
    assert "ticket" not in re.findall(r'name="(\w+)"', page)


def test_after_it_the_page_says_how_many_are_ahead_and_stays_so_on_reload(
    browser: FlaskClient, me: UUID, held: Resources
) -> None:
    release_id = make_room(held, timedelta(minutes=-1))
    stand_in(release_id, me)
    held.hints.set(f"room:{{{release_id.hex}}}:bell", 1)  # nobody is let in meanwhile
    for _ in range(2):
        page = browser.get(f"/waiting-room/{release_id}").text
        assert re.search(r"<b data-ahead>0</b>", page)
        assert "马上轮到您" in page


def test_in_the_turn_the_form_carries_the_ticket(
    browser: FlaskClient, me: UUID, held: Resources
) -> None:
    release_id = make_room(held, timedelta(minutes=-1))
    stand_in(release_id, me, let_in_at_ms=int(time() * 1000))
    page = browser.get(f"/waiting-room/{release_id}").text
    assert "轮到您了" in page
    shown = re.search(r'name="ticket" value="([^"]+)"', page)
    assert shown is not None
    ticket.spend(release_id, me, unescape(shown[1]))


def test_a_missed_turn_has_a_button_to_queue_again(
    browser: FlaskClient, me: UUID, held: Resources
) -> None:
    release_id = make_room(held, timedelta(minutes=-20))
    stand_in(release_id, me, let_in_at_ms=int(time() * 1000) - TURN_MS - 1)
    page = browser.get(f"/waiting-room/{release_id}").text
    assert "重新排队" in page
    held.hints.set(f"room:{{{release_id.hex}}}:bell", 1)
    page = browser.post(f"/waiting-room/{release_id}", follow_redirects=True).text
    assert "排在您前面的人数" in page


def test_a_release_without_a_room_leads_to_its_own_page(
    browser: FlaskClient, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        release_id = make_release(session, campaign).id
    answer = browser.get(f"/waiting-room/{release_id}")
    assert (answer.status_code, answer.location) == (303, f"/campaigns/{release_id}")


def test_while_redis_is_away_the_page_comes_back_by_itself(
    app: OpenAPI, browser: FlaskClient, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_id = make_room(held, timedelta(minutes=-1))
    nowhere = Rooms(make_hint_redis("unix:///nowhere.sock", timeout_s=0.1))
    monkeypatch.setitem(app.extensions, "issuance.waiting_rooms", nowhere)
    answer = browser.get(f"/waiting-room/{release_id}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert '<meta http-equiv="refresh" content="5">' in answer.text


def test_a_closed_release_says_so(browser: FlaskClient, held: Resources) -> None:
    release_id = make_room(held, timedelta(days=-8))
    assert browser.get(f"/waiting-room/{release_id}").status_code == 409
