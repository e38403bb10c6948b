"""Webhooks back to a provider: what it hears of its sessions, signed, again until it is taken."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any

import orjson
import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, text, update

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.core.webhooks import as_key
from coupon_service.simulation.ar_simulate import fault_of
from redemption.ar.deliver_callback import PAUSES, deliver_due
from redemption.ar.keys import rotate_secret
from redemption.ar.models import ArCallback, ArProvider
from tests.factories.ar import ORDER_FEN, Stage, make_stage
from tests.invariants import assert_invariants


class Platform:
    """The provider's own server. It answers with `status` and keeps what it got."""

    def __init__(self) -> None:
        self.status = 204
        self.got: list[tuple[dict[str, str], bytes]] = []
        platform = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                platform.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(platform.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ar"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.got]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhooks_private": True})


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    thread = threading.Thread(target=platform.server.serve_forever, args=(0.01,))
    thread.start()
    yield platform
    platform.server.shutdown()
    thread.join()
    platform.server.server_close()


@pytest.fixture
def stage(app: OpenAPI, held: Resources, platform: Platform) -> Stage:
    stage = make_stage(app, held, per_person=5)
    with transaction(held.sessions) as session:
        session.execute(update(ArProvider).values(callback_url=platform.url))
    return stage


def callback(held: Resources) -> ArCallback:
    with transaction(held.sessions) as session:
        return session.scalars(select(ArCallback).order_by(ArCallback.id.desc()).limit(1)).one()


def make_due(held: Resources) -> None:
    """Let the pause pass, and what looks for due callbacks run."""
    with transaction(held.sessions) as session:
        now = db_now(session)
        session.execute(
            update(ArCallback)
            .where(ArCallback.next_at.is_not(None))
            .values(next_at=now - timedelta(seconds=1))
        )
        deliver_due(session)
    drain(held.sessions)


def test_a_provider_hears_that_a_session_is_done(
    stage: Stage, held: Resources, platform: Platform
) -> None:
    started = stage.begin(stage.scene.award)
    assert stage.provider.report(stage.see(started)).status_code == 200
    assert platform.got == []  # nothing leaves before COMMIT, nor in the request
    drain(held.sessions)
    ((headers, body),) = platform.got
    event = orjson.loads(body)
    assert event["type"] == "coupon-service.ar.session.done.v1"
    assert event["id"] == headers["webhook-id"]
    assert headers["content-type"] == "application/cloudevents+json"
    assert event["data"] == {
        "session_id": started["session_id"],
        "anchor_id": str(stage.scene.award.id),
        "outcome": "award",
        "done_at": event["data"]["done_at"],
    }
    assert str(stage.scene.resident_id).encode() not in body
    keys = [as_key(stage.scene.secret)]
    assert fault_of(keys, headers, body, now_s=int(time())) is None
    assert fault_of(keys, headers, body + b" ", now_s=int(time())) is not None
    assert fault_of(keys, headers, body, now_s=int(time()) + 301) == "too old"
    kept = callback(held)
    assert (kept.last_result, kept.attempts, kept.next_at) == ("204", 1, None)
    assert kept.delivered_at is not None


def test_of_an_order_a_provider_hears_once_what_is_left_to_pay_and_either_secret_verifies(
    stage: Stage, held: Resources, platform: Platform
) -> None:
    order = stage.begin_order(stage.win())
    with transaction(held.sessions) as session:
        new = rotate_secret(session, held.vault, stage.scene.provider.code, now=db_now(session))
    delivery = stage.provider.prepare(stage.see(order, order_fen=ORDER_FEN))
    for _ in range(3):
        assert stage.provider.deliver(delivery).status_code == 200
    drain(held.sessions)
    assert len(platform.got) == 2
    headers, body = platform.got[-1]
    told = orjson.loads(body)["data"]
    assert (told["outcome"], told["order_fen"], told["discount_fen"]) == ("redeem", 6_000, 2_000)
    for secret in (stage.scene.secret, new):
        assert fault_of([as_key(secret)], headers, body, now_s=int(time())) is None
    assert_invariants(held)


def test_a_refusal_is_told_with_its_reason_and_once_per_reason(
    stage: Stage, held: Resources, platform: Platform
) -> None:
    started = stage.begin(stage.scene.award)
    for changes in ({"confidence": 0.1}, {"confidence": 0.2}, {"lat": 0.0}):
        assert stage.provider.report(stage.see(started, **changes)).status_code == 409
    # Who does not know the nonce leaves nothing.
    stranger = stage.see(started, nonce="guessed", confidence=0.0)
    assert stage.provider.report(stranger).status_code == 409
    drain(held.sessions)
    assert [event["type"] for event in platform.events] == [
        "coupon-service.ar.session.refused.v1"
    ] * 2
    reasons = [event["data"]["reason"] for event in platform.events]
    assert reasons == ["ar-confidence-too-low", "ar-outside-fence"]
    assert stage.session(started)["refusal"] == "ar-outside-fence"


def test_what_is_not_taken_comes_again_until_it_is(
    stage: Stage, held: Resources, platform: Platform
) -> None:
    platform.status = 500
    stage.win()
    drain(held.sessions)
    waiting = callback(held)
    assert (waiting.last_result, waiting.delivered_at) == ("500", None)
    assert waiting.next_at is not None
    with transaction(held.sessions) as session:
        deliver_due(session)  # not due yet
    drain(held.sessions)
    assert len(platform.got) == 1
    platform.status = 200
    make_due(held)
    assert len(platform.got) == 2
    assert platform.got[0][1] == platform.got[1][1]
    assert platform.got[0][0]["webhook-id"] == platform.got[1][0]["webhook-id"]
    assert callback(held).delivered_at is not None
    make_due(held)
    assert len(platform.got) == 2


def test_what_is_never_taken_is_given_up_and_gone_means_that_nobody_wants_them(
    stage: Stage, held: Resources, platform: Platform
) -> None:
    platform.status = 503
    stage.win()
    drain(held.sessions)
    for _ in PAUSES:
        make_due(held)
    kept = callback(held)
    assert (kept.attempts, kept.next_at, kept.delivered_at) == (len(PAUSES) + 1, None, None)
    make_due(held)
    assert len(platform.got) == len(PAUSES) + 1
    platform.status = 410
    stage.win()
    drain(held.sessions)
    assert callback(held).next_at is None
    told = len(platform.got)
    stage.win()
    drain(held.sessions)
    assert len(platform.got) == told


def test_two_workers_make_one_attempt(stage: Stage, held: Resources, platform: Platform) -> None:
    stage.win()
    with transaction(held.sessions) as session:
        session.execute(
            text(
                "INSERT INTO outbox (id, queue, job, payload)"
                " SELECT gen_random_uuid(), queue, job, payload FROM outbox"
                " WHERE job = 'ar.deliver_callback'"
            )
        )
    drain(held.sessions)
    with transaction(held.sessions) as session:
        open_rows = session.execute(
            select(func.count()).where(OutboxRow.done_at.is_(None))
        ).scalar_one()
    assert (len(platform.got), open_rows) == (1, 0)
