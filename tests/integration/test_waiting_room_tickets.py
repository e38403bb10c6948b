"""Out of the waiting room: tickets good once, and what they are good for."""

from collections.abc import Iterator
from datetime import timedelta
from time import time
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from coupon_service.campaigns.errors import ReleaseNotFoundError, ReleasePausedError
from coupon_service.campaigns.models import Campaign, Release, ReleaseState
from coupon_service.campaigns.release import pause, resume
from coupon_service.core.db import transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.ids import new_id
from coupon_service.core.redis import make_hint_redis
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.issuance.errors import LimitReachedError, TooOldError
from coupon_service.issuance.gate import gate
from coupon_service.issuance.reconcile import refresh, warm
from coupon_service.issuance.waiting_room import facts as facts_module
from coupon_service.issuance.waiting_room import ticket
from coupon_service.issuance.waiting_room.claim_in_turn import claim_in_turn
from coupon_service.issuance.waiting_room.errors import (
    NoWaitingRoomError,
    TicketEndedError,
    TicketNeededError,
    TicketSpentError,
)
from coupon_service.issuance.waiting_room.room import (
    TURN_MS,
    Rooms,
    Standing,
    Wish,
)
from coupon_service.issuance.waiting_room.take_place import take_place
from coupon_service.residents.models import Resident
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.factories.redemption import make_voucher
from tests.factories.residents import signed_in_browser
from tests.invariants import assert_invariants


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"redis_timeout_s": 5.0})


@pytest.fixture(autouse=True)
def forget_facts() -> Iterator[None]:
    facts_module._kept.clear()
    yield
    facts_module._kept.clear()


@pytest.fixture
def release_id(app: OpenAPI, held: Resources) -> UUID:
    """A release with a room, open since a minute ago, whose gate is warm."""
    return with_room(held)


def with_room(
    held: Resources, *, opens_in: timedelta = timedelta(minutes=-1), **terms: object
) -> UUID:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session), **terms)
        release = make_release(session, campaign, quantity=5, opens_in=opens_in)
        release.waiting_room = True
        session.flush()
        warm(session, gate(), release.id)
        return release.id


def turn_of(release_id: UUID, resident_id: UUID) -> str:
    """The ticket of a turn that began just now."""
    return ticket.issue(release_id, resident_id, int(time() * 1000) + TURN_MS)


def test_a_ticket_is_good_once(release_id: UUID) -> None:
    resident_id = new_id()
    one = turn_of(release_id, resident_id)
    ticket.spend(release_id, resident_id, one)
    with pytest.raises(TicketSpentError):
        ticket.spend(release_id, resident_id, one)


def test_a_ticket_is_nobody_elses_and_of_no_other_release(
    release_id: UUID, held: Resources
) -> None:
    resident_id, other = new_id(), with_room(held)
    one = turn_of(release_id, resident_id)
    for release, resident, shown in (
        (release_id, new_id(), one),
        (other, resident_id, one),
        (release_id, resident_id, None),
        (release_id, resident_id, ""),
        (release_id, resident_id, one[:-9] + ("A" if one[-9] != "A" else "B") + one[-8:]),
        (release_id, resident_id, "x" * 10_000),
    ):
        with pytest.raises(TicketNeededError):
            ticket.spend(release, resident, shown)
    ticket.spend(release_id, resident_id, one)  # none of that used it up


def test_a_ticket_has_a_beginning_and_an_end(release_id: UUID) -> None:
    resident_id, now_ms = new_id(), int(time() * 1000)
    with pytest.raises(TicketEndedError):
        ticket.spend(release_id, resident_id, ticket.issue(release_id, resident_id, now_ms))
    early = ticket.issue(release_id, resident_id, now_ms + TURN_MS + 60_000)
    with pytest.raises(TicketNeededError):
        ticket.spend(release_id, resident_id, early)


def test_a_claim_that_fails_through_no_fault_of_ones_own_gives_the_ticket_back(
    release_id: UUID,
) -> None:
    resident_id = new_id()
    one = turn_of(release_id, resident_id)

    def fail() -> None:
        with ticket.using(release_id, resident_id, one):
            raise UnavailableError

    for _ in range(2):
        with pytest.raises(UnavailableError):
            fail()
    with ticket.using(release_id, resident_id, one):
        pass
    with pytest.raises(TicketSpentError):
        fail()


def test_redis_being_away_costs_nobody_a_ticket(
    release_id: UUID, app: OpenAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident_id = new_id()
    one = turn_of(release_id, resident_id)
    monkeypatch.setitem(
        app.extensions,
        "issuance.waiting_rooms",
        Rooms(make_hint_redis("unix:///nowhere.sock", timeout_s=0.1)),
    )
    ticket.spend(release_id, resident_id, one)
    ticket.give_back(release_id, resident_id, one)
    with pytest.raises(TicketNeededError):
        ticket.spend(release_id, resident_id, "made up")
    with pytest.raises(UnavailableError):
        take_place(release_id, resident_id, Wish.LOOK)


def test_a_release_without_a_room_needs_no_ticket(held: Resources, app: OpenAPI) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        release_id = make_release(session, campaign).id
    assert not ticket.needs_ticket(release_id)
    ticket.spend(release_id, new_id(), None)
    with pytest.raises(NoWaitingRoomError):
        take_place(release_id, new_id(), Wish.ENTER)
    with pytest.raises(ReleaseNotFoundError):
        take_place(new_id(), new_id(), Wish.ENTER)


def test_the_api_leads_from_the_door_to_a_ticket(
    app: OpenAPI, held: Resources, release_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coupon_service.issuance.waiting_room.room.REDRAW_MS", 1)
    browser = signed_in_browser(app, verified=True)
    address = f"/api/v1/releases/{release_id}/waiting-room"
    assert browser.get(address).get_json()["standing"] == "absent"
    entered = browser.post(address, json={}).get_json()
    assert (entered["standing"], entered["ahead"], entered["ticket"]) == ("lobby", None, None)
    assert entered["ask_again_s"] > 0
    shown = until_turn(browser, address)
    with transaction(held.sessions) as session:
        me = session.scalars(select(Resident.id)).one()
    assert shown["ask_again_s"] is None
    ticket.spend(release_id, me, shown["ticket"])
    spent = browser.get(address).get_json()
    assert (spent["standing"], spent["ticket"]) == ("spent", None)


def until_turn(browser: FlaskClient, address: str) -> dict[str, Any]:
    ends = time() + 5
    while time() < ends:
        shown: dict[str, Any] = browser.get(address).get_json()
        if shown["standing"] == "turn":
            return shown
    raise AssertionError("nobody was let in")


def test_a_ticket_makes_a_voucher_and_the_voucher_needs_no_ticket_again(
    app: OpenAPI, held: Resources, release_id: UUID
) -> None:
    with transaction(held.sessions) as session:
        resident_id, other_id = make_resident(session), make_resident(session)
    with app.test_request_context():
        for refused in (None, turn_of(release_id, other_id)):
            with pytest.raises(TicketNeededError):
                claim_in_turn(resident_id, release_id, ticket=refused)
        assert vouchers_of(held, release_id) == []
        one = turn_of(release_id, resident_id)
        made = claim_in_turn(resident_id, release_id, ticket=one)
        for shown in (one, None):  # an answer that got lost is asked for again
            again = claim_in_turn(resident_id, release_id, ticket=shown)
            assert (again.voucher.voucher_id, again.repeated) == (made.voucher.voucher_id, True)
    assert vouchers_of(held, release_id) == [made.voucher.voucher_id]
    assert_invariants(held)


def test_a_claim_refused_for_the_moment_keeps_the_ticket(
    app: OpenAPI, held: Resources, release_id: UUID
) -> None:
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
        pause(session, release_id)
        refresh(session, gate(), release_id)
    one = turn_of(release_id, resident_id)
    with app.test_request_context():
        for _ in range(2):
            with pytest.raises(ReleasePausedError):
                claim_in_turn(resident_id, release_id, ticket=one)
        assert vouchers_of(held, release_id) == []
        with transaction(held.sessions) as session:
            resume(session, release_id)
            refresh(session, gate(), release_id)
        assert not claim_in_turn(resident_id, release_id, ticket=one).repeated
    assert_invariants(held)


def vouchers_of(held: Resources, release_id: UUID) -> list[UUID]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(Voucher.id).where(Voucher.release_id == release_id)))


def test_who_could_not_claim_is_told_at_the_door(held: Resources, app: OpenAPI) -> None:
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
    release_id = with_room(held, eligibility={"max_age": 20})
    with pytest.raises(TooOldError):
        take_place(release_id, resident_id, Wish.ENTER)
    assert take_place(release_id, resident_id, Wish.LOOK).place.standing is Standing.ABSENT


def test_who_has_the_voucher_already_is_told_at_the_door(held: Resources, release_id: UUID) -> None:
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
        release = session.get_one(Release, release_id)
        assert session.get_one(Campaign, release.campaign_id).per_person == 1
        make_voucher(session, release, resident_id=resident_id)
    with pytest.raises(LimitReachedError):
        take_place(release_id, resident_id, Wish.ENTER)


def test_while_the_release_pauses_nobody_is_let_in(
    held: Resources, release_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coupon_service.issuance.waiting_room.room.REDRAW_MS", 1)
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
        session.get_one(Release, release_id).state = ReleaseState.PAUSED
    take_place(release_id, resident_id, Wish.ENTER)
    ends = time() + 0.4
    while time() < ends:
        assert take_place(release_id, resident_id, Wish.LOOK).place.standing is not Standing.TURN
