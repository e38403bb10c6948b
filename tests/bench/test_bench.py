"""The bench measures, and notices what it must: a loss, a double, an oversell."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import text

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.simulation.bench import data as bench_data
from coupon_service.simulation.bench.growth import fill
from coupon_service.simulation.bench.load import Load
from coupon_service.simulation.bench.routes import (
    SOLD_OUT_SEATS,
    ClaimGranted,
    ClaimSoldOut,
    Redemption,
    Route,
    Stage,
    VoucherPage,
    Wallet,
)
from coupon_service.simulation.bench.wrk import is_installed
from coupon_service.simulation.http import Target
from tests.invariants import assert_invariants

ROUTES = [
    "bare Flask route",
    "claim granted",
    "claim sold out",
    "wallet page",
    "voucher page",
    "quote",
    "redemption",
]


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    with transaction(held.sessions) as session:
        data = bench_data.prepare(session, residents=SOLD_OUT_SEATS + 20)
    return Stage(Target("127.0.0.1", 1), app, data)


def send(app: OpenAPI, requests: list[bytes]) -> Counter[int]:
    """What the service answers to encoded requests, by status."""
    client = app.test_client(use_cookies=False)
    answers: Counter[int] = Counter()
    for raw in requests:
        head, _, body = raw.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        method, path, _ = first.split()
        headers = dict(line.split(": ", 1) for line in lines)
        answers[client.open(path, method=method, headers=headers, data=body).status_code] += 1
    return answers


@pytest.mark.parametrize("route_class", [ClaimGranted, Redemption])
def test_what_was_acknowledged_must_be_stored_and_nothing_else(
    app: OpenAPI, held: Resources, stage: Stage, route_class: type[ClaimGranted | Redemption]
) -> None:
    route: Route = route_class(stage)
    volley = route.volley(10)
    answers = send(app, list(volley.requests))
    assert answers == Counter({volley.expected: 10})
    assert route.faults(Load(sent=10, answers=answers)) == []
    lost = Load(sent=11, answers=Counter({volley.expected: 11}))
    assert "10" in route.faults(lost)[0]
    doubled = Load(sent=9, answers=Counter({volley.expected: 9}))
    assert "9 were acknowledged" in route.faults(doubled)[0]
    # What was under way when the time was over may be stored or not.
    assert route.faults(Load(sent=10, answers=Counter({volley.expected: 9}))) == []
    assert_invariants(held)


def test_another_answer_than_the_right_one_is_a_fault(stage: Stage) -> None:
    route = ClaimGranted(stage)
    route.volley(1)
    assert route.faults(Load(sent=1, answers=Counter({503: 1}))) == ["1 answers were 503, not 201"]


def test_a_sold_out_release_stays_as_it_is(app: OpenAPI, held: Resources, stage: Stage) -> None:
    route = ClaimSoldOut(stage)
    volley = route.volley(20)
    answers = send(app, list(volley.requests))
    assert answers == Counter({409: 20})
    assert route.faults(Load(sent=20, answers=answers)) == []
    with transaction(held.sessions) as session:
        session.execute(text("DELETE FROM vouchers WHERE seat = 1"))
    assert route.faults(Load(sent=20, answers=answers)) == [
        f"{SOLD_OUT_SEATS - 1} vouchers on the {SOLD_OUT_SEATS} seats of a sold-out release"
    ]


def test_pages_are_those_of_signed_in_residents(app: OpenAPI, stage: Stage) -> None:
    for route_class in (Wallet, VoucherPage):
        route: Route = route_class(stage)
        volley = route.volley(10)
        assert send(app, list(volley.requests)) == Counter({200: 10})
        assert route.faults(Load(sent=1, answers=Counter({401: 1}))) != []


def test_a_table_is_filled_with_vouchers_of_others(held: Resources, stage: Stage) -> None:
    said: list[int] = []
    fill(stage.data, vouchers=300, say=said.append)
    assert said == [300]
    with transaction(held.sessions) as session:
        owners = set(session.scalars(text("SELECT resident_id FROM vouchers")))
    assert len(owners) == 300
    assert not owners & set(stage.data.resident_ids)
    assert_invariants(held)


def test_percentiles_are_those_of_all_rounds_together() -> None:
    first = Load(busy_s=1, busy_answers=98, latencies_us=Counter({1_000: 98}))
    first.add(Load(busy_s=1, busy_answers=2, latencies_us=Counter({9_000: 1, 5_000: 1})))
    assert first.per_second == 50
    assert first.percentile_ms(50) == 1
    assert first.percentile_ms(99) == 5
    assert first.percentile_ms(100) == 9


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("supervisor")
def test_the_command_measures_every_route_and_finds_no_fault(tmp_path: Path) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COUPON_")}
    ours.pop("PROMETHEUS_MULTIPROC_DIR", None)
    out = tmp_path / "bench.json"
    command = [sys.executable, str(Path(sys.executable).with_name("coupon-service")), "bench"]
    done = subprocess.run(
        [*command, "--seconds", "1", "--rounds", "1", "--out", str(out)],
        env=ours,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert found["faults"] == []
    assert list(found["routes"]) == ROUTES
    assert found["client"]["name"] == ("wrk" if is_installed() else "python")
    for figures in found["routes"].values():
        assert figures["requests_per_s"] > 0
        assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert found["routes"]["bare Flask route"]["ratio_to_bare"] == 1


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("supervisor")
def test_the_burst_resolves_every_claim_and_loses_none(tmp_path: Path) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COUPON_")}
    ours.pop("PROMETHEUS_MULTIPROC_DIR", None)
    out = tmp_path / "burst.json"
    command = [sys.executable, str(Path(sys.executable).with_name("coupon-service")), "bench"]
    done = subprocess.run(
        [*command, "--burst", "--seconds", "1", "--out", str(out)],
        env=ours,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert (found["faults"], found["unresolved"]) == ([], 0)
    claims, late = found["flows"]["claims"], found["flows"]["sold out"]
    assert (claims["offered_per_s"], late["offered_per_s"]) == (1_000, 5_000)
    assert claims["answers"].keys() <= {"201", "503"}
    assert late["answers"].keys() <= {"409", "503"}
