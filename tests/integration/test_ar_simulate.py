"""`coupon-service ar-simulate`, `ar-provider` and `ar-anchor`, from a terminal's point of view."""

import socket
import threading
import time
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import select
from werkzeug.serving import make_server

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.webhooks import as_key, as_secret, new_key, signed_headers
from coupon_service.simulation.ar_simulate import ar_simulate, serve
from redemption.ar.cli import ar_anchor, ar_provider
from redemption.ar.models import ArAnchor, ArProvider
from tests.factories.ar import Stage, make_stage, whole_state
from tests.invariants import assert_invariants


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    return make_stage(app, held)


@pytest.fixture
def url(app: OpenAPI) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def simulate(app: OpenAPI, stage: Stage, url: str, *more: str) -> tuple[int, str]:
    named = ["--provider", stage.scene.provider.code, "--anchor", stage.scene.award.code]
    result = app.test_cli_runner().invoke(
        ar_simulate, [*named, "--url", url, "--secret", stage.scene.secret, *more]
    )
    return result.exit_code, result.output


def test_the_code_a_session_shows_is_enough_for_a_terminal(
    app: OpenAPI, stage: Stage, url: str, held: Resources
) -> None:
    started = stage.begin(stage.scene.award)
    code, output = simulate(app, stage, url, "--code", started["handover"], "--times", "2")
    assert code == 0, output
    first, second = output.splitlines()
    assert first == second
    assert first.startswith("200")
    assert stage.session(started)["state"] == "done"
    assert_invariants(held)


def test_what_the_service_refuses_ends_the_command_with_1(
    app: OpenAPI, stage: Stage, url: str, held: Resources
) -> None:
    started = stage.begin(stage.scene.award)
    named = ["--session", started["session_id"], "--nonce", started["nonce"]]
    before = whole_state(held)
    code, output = simulate(app, stage, url, *named, "--metres-off", "101")
    assert (code, "ar-outside-fence" in output) == (1, True)
    code, output = simulate(app, stage, url, *named, "--confidence", "0.5")
    assert (code, "ar-confidence-too-low" in output) == (1, True)
    assert whole_state(held) == before


def test_a_code_that_is_none_is_a_wrong_usage(app: OpenAPI, stage: Stage) -> None:
    for code in ("AR1", "AR2.x.y", "AR1.nothex.nonce", ""):
        assert simulate(app, stage, "http://127.0.0.1:9", "--code", code)[0] == 2


def test_the_receiver_verifies_what_it_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    secret = as_secret(new_key())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    receiver = threading.Thread(target=serve, args=(port, [secret]), kwargs={"count": 2})
    receiver.start()
    body = b'{"type":"coupon-service.ar.session.done.v1","data":{"outcome":"award"}}'
    headers = signed_headers([as_key(secret)], "cb_1", body, now_s=int(time.time()))
    time.sleep(0.2)
    statuses = [
        httpx.post(f"http://127.0.0.1:{port}", content=sent, headers=headers).status_code
        for sent in (body, body + b" ")
    ]
    receiver.join(timeout=5)
    assert statuses == [204, 401]
    printed = capsys.readouterr().out
    assert 'coupon-service.ar.session.done.v1  {"outcome":"award"}' in printed
    assert "refused: not signed with a known secret" in printed


def test_an_operator_enlists_a_provider_and_sets_up_its_anchor(
    app: OpenAPI, stage: Stage, held: Resources
) -> None:
    run = app.test_cli_runner().invoke
    small = stage.scene.small
    made = run(ar_provider, ["night-ar", "--name", "夜游AR", "--district", small.district.code])
    assert made.exit_code == 0, made.output
    assert len(as_key(made.output.strip())) == 32
    # Its budget would be part of another provider's.
    node = f"{small.season.code}/{small.event.code}"
    taken = run(ar_provider, ["night-ar", "--node", node])
    assert (taken.exit_code, "not the provider's own" in taken.output) == (1, True)
    run(ar_provider, [stage.scene.provider.code, "--node", "-"])
    caps = ["--awards-per-day", "7", "--award-yuan-per-day", "140", "--node", node, "--off"]
    changed = run(ar_provider, ["night-ar", *caps])
    assert changed.output == "night-ar: changed.\n"
    place = ["--name", "夜游入口", "--lat", "39.9", "--lon", "116.4", "--hours", "17:00-02:00"]
    release = ["--release", str(stage.scene.release.id)]
    anchored = run(ar_anchor, ["night-gate", "--provider", "night-ar", *place, *release])
    assert anchored.exit_code == 0, anchored.output
    with transaction(held.sessions) as session:
        provider = session.scalars(select(ArProvider).where(ArProvider.code == "night-ar")).one()
        anchor = session.get_one(ArAnchor, UUID(anchored.output.strip()))
    assert (provider.awards_per_day_max, provider.award_fen_per_day_max) == (7, 14_000)
    assert (provider.node_id, provider.is_active) == (small.event.id, False)
    assert (anchor.opens.hour, anchor.closes.hour) == (17, 2)
    for wrong in (["--hours", "late"], ["--store", "nowhere"]):
        assert run(ar_anchor, ["x", "--provider", "night-ar", *place, *wrong]).exit_code == 2
    assert_invariants(held)
