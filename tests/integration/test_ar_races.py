"""Proofs that arrive at the same time."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import httpx
import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher
from redemption.ar.models import ArEvent
from redemption.models import Redemption
from tests.factories.ar import ORDER_FEN, Stage, make_stage
from tests.invariants import assert_invariants

DELIVERIES = 8


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    return make_stage(app, held, per_person=100)


def all_at_once(acts: Sequence[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Every act in a thread of its own, started together."""
    start = Barrier(len(acts))

    def run(act: Callable[[], httpx.Response]) -> httpx.Response:
        start.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def count(held: Resources, table: type) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


def test_many_proofs_of_one_session_give_one_voucher(stage: Stage, held: Resources) -> None:
    sighting = stage.see(stage.begin(stage.scene.award))
    deliveries = [stage.provider.prepare(sighting) for _ in range(DELIVERIES)]
    answers = all_at_once([lambda d=d: stage.provider.deliver(d) for d in deliveries])  # type: ignore[misc]
    outcomes = Counter(answer.json().get("slug", "accepted") for answer in answers)
    assert outcomes == {"accepted": 1, "ar-session-used": DELIVERIES - 1}
    assert (count(held, Voucher), count(held, ArEvent)) == (1, 1)
    assert_invariants(held)


def test_one_delivery_many_times_gives_one_voucher_and_one_answer(
    stage: Stage, held: Resources
) -> None:
    delivery = stage.provider.prepare(stage.see(stage.begin(stage.scene.award)))
    answers = all_at_once([lambda: stage.provider.deliver(delivery)] * DELIVERIES)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert (count(held, Voucher), count(held, ArEvent)) == (1, 1)
    assert_invariants(held)


def test_a_refused_proof_does_not_keep_a_good_one_out(stage: Stage, held: Resources) -> None:
    sighting = stage.see(stage.begin(stage.scene.award))
    poor = [stage.provider.prepare(replace(sighting, confidence=0.1)) for _ in range(7)]
    good = stage.provider.prepare(sighting)
    answers = all_at_once([lambda d=d: stage.provider.deliver(d) for d in [*poor, good]])  # type: ignore[misc]
    assert answers[-1].status_code == 200
    assert {answer.status_code for answer in answers[:-1]} == {409}
    assert (count(held, Voucher), count(held, ArEvent)) == (1, 1)
    assert_invariants(held)


def test_one_voucher_in_many_sessions_pays_once(stage: Stage, held: Resources) -> None:
    voucher_id = stage.win()
    sightings = [
        stage.see(stage.begin_order(voucher_id), order_fen=ORDER_FEN) for _ in range(DELIVERIES)
    ]
    answers = all_at_once([lambda s=s: stage.provider.report(s) for s in sightings])  # type: ignore[misc]
    outcomes = Counter(answer.json().get("slug", "accepted") for answer in answers)
    assert outcomes == {"accepted": 1, "voucher-used": DELIVERIES - 1}
    assert count(held, Redemption) == 1
    assert_invariants(held)


def test_one_resident_in_many_sessions_keeps_within_the_limit(
    app: OpenAPI, held: Resources
) -> None:
    stage = make_stage(app, held, per_person=2)
    sightings = [stage.see(stage.begin(stage.scene.award)) for _ in range(DELIVERIES)]
    answers = all_at_once([lambda s=s: stage.provider.report(s) for s in sightings])  # type: ignore[misc]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 1 <= count(held, Voucher) <= 2
    assert_invariants(held)
