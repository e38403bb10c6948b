"""Grants: a release given to everybody on a list."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import select, text

from coupon_service.campaigns.models import Mode, Release
from coupon_service.campaigns.release import close, pause, resize, resume
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain, emit_job
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import ClaimCommand, Refused, claim
from coupon_service.issuance.errors import ChannelClosedError, ModeMismatchError
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lists import grant_next
from coupon_service.issuance.lists.discard import discard_list
from coupon_service.issuance.lists.errors import (
    GrantExistsError,
    ListInUseError,
    ListNotReadyError,
    NotForGrantError,
)
from coupon_service.issuance.lists.give import CHANNEL
from coupon_service.issuance.lists.models import Grant, GrantOutcome, GrantState, Outcome
from coupon_service.issuance.lists.start_grant import retry_refused, start_grant
from coupon_service.notices.models import Notice
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.lists import (
    granting,
    id_number,
    id_numbers,
    imported,
    known_person,
    list_file,
    release_to_grant,
    upload,
)
from tests.factories.residents import REAL_NAME, fresh_id_number, fresh_phone, signed_in_browser
from tests.invariants import assert_invariants


@pytest.fixture
def small(held: Resources) -> SmallSeason:
    with transaction(held.sessions) as session:
        return make_season(session)


def outcomes(held: Resources, release_id: UUID) -> dict[int, tuple[str, str | None]]:
    with transaction(held.sessions) as session:
        found = session.scalars(select(GrantOutcome).where(GrantOutcome.release_id == release_id))
        return {one.line_no: (one.outcome, one.slug) for one in found}


def holders(held: Resources, release_id: UUID) -> list[UUID]:
    with transaction(held.sessions) as session:
        return list(
            session.scalars(
                select(Voucher.resident_id)
                .where(Voucher.release_id == release_id)
                .order_by(Voucher.seat)
            )
        )


def grant_of(held: Resources, release_id: UUID) -> Grant:
    with transaction(held.sessions) as session:
        return session.get_one(Grant, release_id)


def make_grant(held: Resources, small: SmallSeason, numbers: list[str], **options: int) -> UUID:
    """A running grant to a list of these numbers; returns the release's id."""
    list_id = imported(held, small, list_file(numbers))
    with transaction(held.sessions) as session:
        release_id = release_to_grant(session, small, **options).id
    granting(held, release_id, list_id)
    return release_id


def test_everybody_on_the_list_gets_a_voucher_or_waits_for_a_real_name(
    held: Resources, small: SmallSeason
) -> None:
    numbers = id_numbers(3)
    with transaction(held.sessions) as session:
        known = [known_person(session, held, number) for number in numbers[:2]]
    release_id = make_grant(held, small, numbers)
    drain(held.sessions)
    assert outcomes(held, release_id) == {
        2: (Outcome.GRANTED, None),
        3: (Outcome.GRANTED, None),
        4: (Outcome.WAITING, None),
    }
    assert holders(held, release_id) == known
    grant = grant_of(held, release_id)
    assert (grant.state, grant.granted, grant.waiting) == (GrantState.DONE, 2, 1)
    with transaction(held.sessions) as session:
        told = session.execute(select(Notice.resident_id, Notice.kind, Notice.params)).all()
        assert {(row.resident_id, row.kind) for row in told} == {(id_, "granted") for id_ in known}
        assert {row.params["campaign"] for row in told} == {"敬老券"}
    assert_invariants(held)


def test_whoever_confirms_a_real_name_later_is_granted_then(
    app: OpenAPI, held: Resources, small: SmallSeason
) -> None:
    number, phone = id_number(), fresh_phone()
    list_id = imported(
        held, small, list_file([f"{number},", f",{phone}"], header="id_number,phone")
    )
    with transaction(held.sessions) as session:
        release_id = release_to_grant(session, small).id
    granting(held, release_id, list_id)
    drain(held.sessions)
    assert set(outcomes(held, release_id).values()) == {(Outcome.WAITING, None)}
    browser = signed_in_browser(app, verified=False)
    assert browser.post(REAL_NAME, json={"name": "张三", "id_number": number}).status_code == 200
    signed_in_browser(app, phone, verified=True)
    drain(held.sessions)
    assert set(outcomes(held, release_id).values()) == {(Outcome.GRANTED, None)}
    grant = grant_of(held, release_id)
    assert (grant.granted, grant.waiting, grant.refused) == (2, 0, 0)
    assert len(set(holders(held, release_id))) == 2
    assert_invariants(held)


def test_a_large_list_is_served_in_runs_and_a_second_chain_of_runs_gives_nothing_twice(
    held: Resources, small: SmallSeason, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant_next, "BATCH", 4)
    monkeypatch.setattr(grant_next, "BATCHES_PER_RUN", 2)
    numbers = id_numbers(21)
    with transaction(held.sessions) as session:
        known = [known_person(session, held, number) for number in numbers]
    release_id = make_grant(held, small, numbers)
    with transaction(held.sessions) as session:
        emit_job(session, "lists.grant", release_id=release_id)
    drain(held.sessions)
    assert holders(held, release_id) == known
    assert grant_of(held, release_id).granted == 21
    assert_invariants(held)


def test_somebody_listed_by_number_and_by_phone_gets_one_voucher_and_one_notice(
    held: Resources, small: SmallSeason
) -> None:
    number, phone = id_number(), fresh_phone()
    with transaction(held.sessions) as session:
        person = known_person(session, held, number, phone=phone)
        release_id = release_to_grant(session, small).id
    lines = [f"{number},", f",{phone}"]
    granting(held, release_id, imported(held, small, list_file(lines, header="id_number,phone")))
    drain(held.sessions)
    assert holders(held, release_id) == [person]
    assert grant_of(held, release_id).granted == 2
    with transaction(held.sessions) as session:
        assert len(session.scalars(select(Notice)).all()) == 1
    assert_invariants(held)


def test_refusals_are_told_line_by_line_and_tried_again_when_there_are_more_seats(
    held: Resources, small: SmallSeason
) -> None:
    numbers = id_numbers(3)
    with transaction(held.sessions) as session:
        known = [known_person(session, held, number) for number in numbers]
    release_id = make_grant(held, small, numbers, quantity=2)
    drain(held.sessions)
    assert Counter(outcomes(held, release_id).values()) == {
        (Outcome.GRANTED, None): 2,
        (Outcome.REFUSED, "sold-out"): 1,
    }
    with transaction(held.sessions) as session:
        resize(session, release_id, quantity=3, expected=2)
    with transaction(held.sessions) as session:
        assert retry_refused(session, release_id, now=db_now(session)) == 1
    drain(held.sessions)
    assert sorted(holders(held, release_id)) == sorted(known)
    grant = grant_of(held, release_id)
    assert (grant.granted, grant.waiting, grant.refused) == (3, 0, 0)
    assert_invariants(held)


def test_a_minor_on_the_list_is_refused_with_the_reason(
    held: Resources, small: SmallSeason
) -> None:
    with transaction(held.sessions) as session:
        today = db_now(session).date()
    child = fresh_id_number(today - timedelta(days=3_000))
    with transaction(held.sessions) as session:
        known_person(session, held, child)
    release_id = make_grant(held, small, [child])
    drain(held.sessions)
    ((outcome, slug),) = outcomes(held, release_id).values()
    assert outcome == Outcome.REFUSED
    assert slug in ("too-young", "guardian-needed")
    assert holders(held, release_id) == []
    assert_invariants(held)


def test_a_paused_release_holds_its_grant_up_and_it_goes_on_after(
    held: Resources, small: SmallSeason
) -> None:
    number = id_number()
    with transaction(held.sessions) as session:
        known_person(session, held, number)
    release_id = make_grant(held, small, [number])
    with transaction(held.sessions) as session:
        pause(session, release_id)
    drain(held.sessions)
    assert outcomes(held, release_id) == {}
    assert grant_of(held, release_id).state == GrantState.RUNNING
    with transaction(held.sessions) as session:
        resume(session, release_id)
        session.execute(text("UPDATE grants SET touched_at = now() - interval '5 minutes'"))
        emit_job(session, "lists.revive")
    drain(held.sessions)
    assert outcomes(held, release_id) == {2: (Outcome.GRANTED, None)}
    assert_invariants(held)


def test_a_grant_begins_when_its_release_opens(held: Resources, small: SmallSeason) -> None:
    number = id_number()
    list_id = imported(held, small, list_file([number]))
    with transaction(held.sessions) as session:
        known_person(session, held, number)
        campaign = make_campaign(session, small)
        release_id = make_release(
            session, campaign, mode=Mode.GRANT, opens_in=timedelta(minutes=1)
        ).id
    granting(held, release_id, list_id)
    drain(held.sessions)
    assert outcomes(held, release_id) == {}
    with transaction(held.sessions) as session:
        # The same as waiting: everything of the release and the grant a minute and a bit earlier.
        earlier = {"opens_at": Release.opens_at - timedelta(seconds=61)}
        session.execute(text("UPDATE grants SET touched_at = now() - interval '61 seconds'"))
        session.query(Release).filter(Release.id == release_id).update(earlier)
        emit_job(session, "lists.revive")
    drain(held.sessions)
    assert outcomes(held, release_id) == {2: (Outcome.GRANTED, None)}
    assert_invariants(held)


def test_a_release_that_closes_ends_its_grant(held: Resources, small: SmallSeason) -> None:
    number = id_number()
    with transaction(held.sessions) as session:
        known_person(session, held, number)
    release_id = make_grant(held, small, [number])
    with transaction(held.sessions) as session:
        close(session, release_id, now=db_now(session))
    drain(held.sessions)
    assert grant_of(held, release_id).state == GrantState.DONE
    assert holders(held, release_id) == []
    assert_invariants(held)


def test_those_who_wait_are_found_again_without_a_word_from_them(
    held: Resources, small: SmallSeason
) -> None:
    number = id_number()
    release_id = make_grant(held, small, [number])
    drain(held.sessions)
    with transaction(held.sessions) as session:
        known_person(session, held, number)
        session.execute(text("DELETE FROM outbox"))
        emit_job(session, "lists.look_for_arrived")
    drain(held.sessions)
    assert outcomes(held, release_id) == {2: (Outcome.GRANTED, None)}
    assert_invariants(held)


def test_nobody_claims_from_a_granted_release_by_themselves(
    held: Resources, small: SmallSeason
) -> None:
    with transaction(held.sessions) as session:
        person = known_person(session, held, id_number())
        release_id = release_to_grant(session, small).id
    with transaction(held.sessions) as session:
        (outcome,) = claim(session, gate(), [ClaimCommand(release_id, person, CHANNEL)])
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ModeMismatchError)
    assert holders(held, release_id) == []
    assert_invariants(held)


def test_a_grant_that_cannot_be_is_refused_and_leaves_nothing(
    held: Resources, small: SmallSeason
) -> None:
    ready = imported(held, small, list_file([id_number()]))
    importing = upload(held, small, list_file([id_number()]))
    with transaction(held.sessions) as session:
        good = release_to_grant(session, small).id
        first_come = make_release(session, make_campaign(session, small)).id
        elsewhere = release_to_grant(session, make_season(session)).id
        offline = make_campaign(session, small, claim_channels=["onsite"])
        counter_only = make_release(session, offline, mode=Mode.GRANT).id
    for release_id, list_id, refusal in (
        (good, importing, ListNotReadyError),
        (first_come, ready, NotForGrantError),
        (elsewhere, ready, NotForGrantError),
        (counter_only, ready, ChannelClosedError),
    ):
        with pytest.raises(refusal), transaction(held.sessions) as session:
            start_grant(session, release_id, list_id, started_by=None)
    with transaction(held.sessions) as session:
        assert session.scalars(select(Grant)).all() == []
    granting(held, good, ready)
    with pytest.raises(GrantExistsError), transaction(held.sessions) as session:
        start_grant(session, good, ready, started_by=None)
    with pytest.raises(ListInUseError), transaction(held.sessions) as session:
        discard_list(session, ready, now=db_now(session))
    drain(held.sessions)
    assert_invariants(held)
