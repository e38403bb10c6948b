"""Claims while web workers and PostgreSQL are killed. What was acknowledged is never lost."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import psutil
from flask_openapi3 import OpenAPI
from sqlalchemy import text

from coupon_service.core.db import transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.embedded import EmbeddedPostgres, start_postgres
from coupon_service.entrypoints.app import create_app
from coupon_service.entrypoints.migrate import upgrade
from coupon_service.issuance.claim import Granted
from tests.factories.campaigns import open_release
from tests.factories.people import make_crowd
from tests.faults.test_claims_under_fire import make_release_for, voucher_ids
from tests.harness.web import claim_path, resident_cookie, web_server
from tests.integration.test_claim import claim_one
from tests.invariants import assert_invariants

KILLS = 50
WORKER_LIVES_S = 1.0
CLIENTS = 8
TRIES_WITHIN_S = 30.0


def claim_until_answered(client: httpx.Client, release_id: UUID, cookie: str) -> str:
    """Claim as a phone does: ask again until there is an answer; returns the voucher's id."""
    deadline = time.monotonic() + TRIES_WITHIN_S
    while time.monotonic() < deadline:
        try:
            answer = client.put(claim_path(release_id), headers={"Cookie": cookie})
        except httpx.TransportError:
            time.sleep(0.02)
            continue
        if answer.status_code in (200, 201):
            return str(answer.json()["voucher_id"])
        assert answer.status_code == 503, answer.text
        time.sleep(0.02)
    raise TimeoutError("no answer in time")


def kill_workers(server_pid: int, times: int) -> None:
    """Kill one web worker after another as soon as there is one to kill, never the same twice."""
    killed: set[int] = set()
    while len(killed) < times:
        for worker in psutil.Process(server_pid).children():
            if worker.pid not in killed and time.time() - worker.create_time() > WORKER_LIVES_S:
                worker.kill()
                killed.add(worker.pid)
                break
        time.sleep(0.1)


def test_fifty_killed_web_workers_lose_no_voucher_and_double_none(
    settings: Settings, app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=5_000)
        residents = make_crowd(session, 5_000)
    told: dict[UUID, str] = {}
    over = threading.Event()

    def claim_one_after_another(url: str, mine: Sequence[UUID]) -> None:
        with httpx.Client(base_url=url, timeout=5) as client:
            for resident_id in mine:
                if over.is_set():
                    return
                cookie = resident_cookie(app, resident_id)
                told[resident_id] = claim_until_answered(client, release_id, cookie)

    with web_server(settings, web_workers=4) as url:
        clients = [
            threading.Thread(target=claim_one_after_another, args=(url, residents[n::CLIENTS]))
            for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        (server,) = [
            child
            for child in psutil.Process().children()
            if "serve" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE
        ]
        kill_workers(server.pid, KILLS)
        over.set()
        for client in clients:
            client.join()
        assert len(told) > CLIENTS
        with httpx.Client(base_url=url, timeout=5) as client:
            for resident_id, voucher_id in list(told.items())[:20]:
                cookie = resident_cookie(app, resident_id)
                assert claim_until_answered(client, release_id, cookie) == voucher_id
    assert set(told.values()) <= voucher_ids(held, release_id)
    assert len(set(told.values())) == len(told)
    assert_invariants(held)


class OwnPostgres:
    """A durable PostgreSQL of a test's own, to be killed and started again."""

    def __init__(self, folder: Path, **server_settings: str) -> None:
        self._folder = folder
        self._settings = server_settings
        self.server = self.start()

    def start(self) -> EmbeddedPostgres:
        self.server = start_postgres(self._folder, settings=self._settings)
        return self.server


@contextmanager
def over(postgres: OwnPostgres, settings: Settings) -> Iterator[tuple[OpenAPI, Resources]]:
    """The service over that PostgreSQL."""
    upgrade(postgres.server.url)
    app = create_app(settings.model_copy(update={"database_url": postgres.server.url}))
    try:
        with app.app_context():
            yield app, resources()
            resources().engine.dispose()
    finally:
        postgres.server.stop()


def test_killing_postgres_under_load_loses_nothing_that_was_acknowledged(
    settings: Settings, tmp_path: Path
) -> None:
    postgres = OwnPostgres(tmp_path / "pg")
    with over(postgres, settings) as (app, held):
        with transaction(held.sessions) as session:
            release_id = open_release(session, quantity=5_000)
            residents = make_crowd(session, 5_000)
        told: dict[UUID, UUID] = {}
        failed = threading.Event()
        done = threading.Event()

        def claim_one_after_another(mine: Sequence[UUID]) -> None:
            with app.app_context():
                for resident_id in mine:
                    while not done.is_set():
                        try:
                            outcome = claim_one(held, release_id, resident_id)
                        except UnavailableError:
                            failed.set()
                            time.sleep(0.05)
                            continue
                        if isinstance(outcome, Granted):
                            told[resident_id] = outcome.voucher.voucher_id
                            break
                        time.sleep(0.05)

        clients = [
            threading.Thread(target=claim_one_after_another, args=(residents[n::CLIENTS],))
            for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(1)
        postgres.server.kill()
        before = len(told)
        assert failed.wait(timeout=20)
        postgres.start()
        deadline = time.monotonic() + 30
        while len(told) < before + 50:  # the same processes go on
            assert time.monotonic() < deadline
            time.sleep(0.05)
        done.set()
        for client in clients:
            client.join()
        assert before > 0
        assert {str(id_) for id_ in told.values()} <= voucher_ids(held, release_id)
        assert len(set(told.values())) == len(told)
        assert_invariants(held)


def test_the_oracle_sees_a_loss_where_commits_do_not_wait_for_the_disk(
    settings: Settings, tmp_path: Path
) -> None:
    """The control of the test above: it could tell."""
    # The log of what is not waited for is written late, so that there is something to lose.
    postgres = OwnPostgres(tmp_path / "pg", wal_writer_delay="10s", wal_writer_flush_after="1GB")
    with over(postgres, settings) as (_, held):
        release_id, residents = make_release_for(held, quantity=100, residents=40)
        with transaction(held.sessions) as session:
            session.execute(text("ALTER ROLE CURRENT_USER SET synchronous_commit = off"))
        held.engine.dispose()  # new connections have it
        told = set()
        for resident_id in residents:
            outcome = claim_one(held, release_id, resident_id)
            assert isinstance(outcome, Granted)
            told.add(str(outcome.voucher.voucher_id))
        postgres.server.kill()
        postgres.start()
        held.engine.dispose()
        assert not told <= voucher_ids(held, release_id)
