"""Claims while the way to Redis or PostgreSQL is frozen, cut, slow, or swallows answers."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import text

from coupon_service.campaigns.errors import NotOpenYetError
from coupon_service.campaigns.models import Channel
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.core.db import transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.embedded import start_valkey
from coupon_service.entrypoints.app import create_app
from coupon_service.issuance.claim import ClaimCommand, Granted, claim
from coupon_service.issuance.gate import gate
from coupon_service.issuance.reconcile import reconcile
from coupon_service.vouchers.lifecycle import give_back, use
from tests.factories.campaigns import make_campaign, make_release, make_season, open_release
from tests.factories.people import make_crowd, make_resident
from tests.faults.test_claims_under_fire import make_release_for, voucher_ids
from tests.harness.proxy import CutAtCommit, postgres_between, proxy, short_folder
from tests.harness.web import at_once, claim_burst, claim_path, resident_cookie, web_server
from tests.integration.test_claim import claim_one, refusal
from tests.invariants import assert_invariants

FROZEN_S = 5.0


@pytest.fixture
def sockets() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@contextmanager
def service(settings: Settings, **changed: object) -> Iterator[Resources]:
    """The service under other settings."""
    with create_app(settings.model_copy(update=changed)).app_context():
        held = resources()
        yield held
        held.engine.dispose()


def test_a_frozen_redis_is_passed_within_its_time_limit(settings: Settings, tmp_path: Path) -> None:
    valkey = start_valkey(tmp_path / "v")
    try:
        with service(settings, redis_url=valkey.url) as held:
            release_id, residents = make_release_for(held, quantity=10, residents=6)
            assert isinstance(claim_one(held, release_id, residents[0]), Granted)
            os.kill(valkey.pid, signal.SIGSTOP)
            thaw = threading.Timer(FROZEN_S, os.kill, (valkey.pid, signal.SIGCONT))
            thaw.start()
            frozen_at = time.monotonic()
            outcomes = [claim_one(held, release_id, one) for one in residents[1:4]]
            # Each claim asks the frozen gate a few times at most, and each time for 100 ms.
            assert time.monotonic() - frozen_at < FROZEN_S
            assert all(isinstance(one, Granted) for one in outcomes)
            thaw.join()
            # What the gate did when it thawed, unheard, is put right by the reconciler.
            for _ in range(2):
                with transaction(held.sessions) as session:
                    reconcile(session, gate())
            assert all(isinstance(claim_one(held, release_id, r), Granted) for r in residents)
            assert len(voucher_ids(held, release_id)) == 6
            assert_invariants(held)
    finally:
        os.kill(valkey.pid, signal.SIGCONT)
        valkey.stop()


def test_a_swallowed_answer_of_the_gate_takes_one_seat_once(
    settings: Settings, sockets: Path, tmp_path: Path
) -> None:
    valkey = start_valkey(tmp_path / "v")
    try:
        with (
            proxy(sockets / "r", valkey.socket) as between,
            service(settings, redis_url=f"unix://{sockets / 'r'}") as held,
        ):
            release_id, residents = make_release_for(held, quantity=3, residents=4)
            assert isinstance(claim_one(held, release_id, residents[0]), Granted)
            between.swallow = True
            assert isinstance(claim_one(held, release_id, residents[1]), Granted)
            between.swallow = False
            for _ in range(2):
                with transaction(held.sessions) as session:
                    reconcile(session, gate())
            assert isinstance(claim_one(held, release_id, residents[2]), Granted)
            assert refusal(claim_one(held, release_id, residents[3])).__name__ == "SoldOutError"
            again = [claim_one(held, release_id, one) for one in residents[:3]]
            assert all(isinstance(one, Granted) and one.repeated for one in again)
            assert len(voucher_ids(held, release_id)) == 3
            assert_invariants(held)
    finally:
        valkey.stop()


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_without_an_answer_is_unknown_and_asking_again_resolves_it(
    settings: Settings, held: Resources, arrives: bool
) -> None:
    release_id, (resident_id,) = make_release_for(held, quantity=3, residents=1)
    with postgres_between(settings) as (through, between), service(through) as far:
        CutAtCommit(between, after=b"INSERT INTO vouchers", arrives=arrives)
        with pytest.raises(UnavailableError):
            claim_one(far, release_id, resident_id)
        assert len(voucher_ids(held, release_id)) == int(arrives)
        again = claim_one(far, release_id, resident_id)
        assert isinstance(again, Granted)
        assert again.repeated is arrives
    assert len(voucher_ids(held, release_id)) == 1
    assert_invariants(held)


def test_a_slow_way_to_the_database_slows_claims_and_breaks_none(
    settings: Settings, app: OpenAPI, held: Resources
) -> None:
    release_id, residents = make_release_for(held, quantity=100, residents=60)
    cookies = [resident_cookie(app, one) for one in residents]
    with postgres_between(settings) as (through, between), web_server(through) as url:
        claim_burst(url, release_id, cookies[:2])  # connections are made, the gate is warm
        between.delay_s = 0.2
        answers = claim_burst(url, release_id, cookies)
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len(voucher_ids(held, release_id)) == 60
    assert_invariants(held)


def test_a_claim_that_loses_a_deadlock_is_tried_again(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, eligibility={"holds_no_other": True})
        residents = [make_resident(session) for _ in range(5)]
    claimed = 0
    for resident_id in residents:
        claimed += 1
        if not _won_a_deadlock_against_a_claim(app, held, release_id, resident_id):
            continue  # PostgreSQL chose the other side, and the claim had nothing to try again
        break
    else:
        pytest.fail("the claim never lost")
    assert len(voucher_ids(held, release_id)) == claimed
    assert_invariants(held)


def _won_a_deadlock_against_a_claim(
    app: OpenAPI, held: Resources, release_id: UUID, resident_id: UUID
) -> bool:
    """Whether this side won. Either way the claim has to end well."""
    cookie = resident_cookie(app, resident_id)
    browser = app.test_client(use_cookies=False)
    answers: list[int] = []

    def act() -> None:
        answer = browser.put(claim_path(release_id), headers={"Cookie": cookie})
        answers.append(answer.status_code)

    claiming = threading.Thread(target=act)
    won = True
    try:
        with transaction(held.sessions) as session:
            lock = text("SELECT 1 FROM releases WHERE id = :id FOR UPDATE")
            session.execute(lock, {"id": release_id})
            claiming.start()
            _wait_for_a_lock(held)
            # The claim holds the person and waits for the release; this holds the release and
            # waits for the person. PostgreSQL ends one of the two.
            person = text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 1))")
            session.execute(person, {"person": resident_id.hex})
    except UnavailableError:
        won = False
    claiming.join(timeout=30)
    assert answers == [201]
    return won


def _wait_for_a_lock(held: Resources) -> None:
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with transaction(held.sessions) as session:
            if session.execute(waiting).scalar_one():
                return
        time.sleep(0.01)
    raise TimeoutError("nobody waits for a lock")


def test_a_release_opens_by_the_databases_clock_to_the_millisecond(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        release = make_release(session, campaign, opens_in=timedelta(seconds=1))
        residents = [make_resident(session) for _ in range(8)]
    granted_at = []

    def hurry(index: int) -> None:
        with app.app_context():
            while not isinstance(outcome := claim_one(held, release.id, residents[index]), Granted):
                assert refusal(outcome) is NotOpenYetError
                time.sleep(0.02)
        granted_at.append(outcome.voucher.facts.not_before)

    at_once(len(residents), hurry)
    assert min(granted_at) >= release.opens_at
    assert len(voucher_ids(held, release.id)) == 8
    assert_invariants(held)


def test_a_gate_whose_clock_is_wrong_gives_nothing_early_and_is_put_right(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        early = make_release(session, campaign, opens_in=timedelta(minutes=30))
        running = make_release(session, campaign)
        resident_id = make_resident(session)
        reconcile(session, gate())
    for release, ahead_ms in ((early, 3_600_000), (running, -3_600_000)):
        held.hints.hset(f"gate:{{{release.id.hex}}}:meta", "ahead_ms", str(ahead_ms))
        assert refusal(claim_one(held, release.id, resident_id)) is NotOpenYetError
        assert voucher_ids(held, release.id) == set()
    with transaction(held.sessions) as session:
        reconcile(session, gate())
    assert refusal(claim_one(held, early.id, resident_id)) is NotOpenYetError
    assert isinstance(claim_one(held, running.id, resident_id), Granted)
    assert_invariants(held)


def test_a_voucher_is_good_until_the_moment_of_its_expiry_and_not_at_it(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, valid_days=1)
        resident_id = make_resident(session)
    granted = claim_one(held, release_id, resident_id)
    assert isinstance(granted, Granted)
    midnight = granted.voucher.facts.expires_at
    assert midnight.astimezone(LOCAL_ZONE).time() == datetime.min.time()
    with transaction(held.sessions) as session:
        assert not use(session, [granted.voucher.voucher_id], now=midnight)
        last_moment = midnight - timedelta(microseconds=1)
        assert use(session, [granted.voucher.voucher_id], now=last_moment)
        give_back(session, granted.voucher.voucher_id)
    assert_invariants(held)


def test_ten_thousand_bots_of_one_network_get_its_quota_and_leave_the_rest(
    settings: Settings,
) -> None:
    with service(settings, claims_per_network_max=50) as held:
        with transaction(held.sessions) as session:
            release_id = open_release(session, quantity=200)
            bots = make_crowd(session, 10_000)
            human = make_resident(session)
        commands = [
            ClaimCommand(release_id, bot, Channel.ONLINE, device_hash=bot.bytes, network=b"farm")
            for bot in bots
        ]
        for start in range(0, len(commands), 500):
            with transaction(held.sessions) as session:
                claim(session, gate(), commands[start : start + 500])
        assert len(voucher_ids(held, release_id)) == 50
        assert isinstance(claim_one(held, release_id, human), Granted)
        assert_invariants(held)
