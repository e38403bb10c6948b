"""Accepted presence proofs: what they bring, once."""

from datetime import timedelta
from time import time
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import select, text

from coupon_service.campaigns.models import Channel
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher, VoucherState
from redemption.ar.cli import ar_keys
from redemption.ar.keys import rotate_secret
from redemption.models import Order, Redemption
from tests.factories.ar import ORDER_FEN, Stage, make_stage, simulator, whole_state
from tests.invariants import assert_invariants


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    return make_stage(app, held)


def test_a_proof_at_an_award_anchor_gives_the_resident_a_voucher(
    stage: Stage, held: Resources
) -> None:
    started = stage.begin(stage.scene.award)
    assert stage.session(started)["state"] == "open"
    before = whole_state(held)
    answer = stage.provider.report(stage.see(started))
    assert answer.status_code == 200
    changed = {table for table, digest in whole_state(held).items() if digest != before[table]}
    assert changed == {"ar_sessions", "ar_events", "ar_provider_days", "vouchers"}
    shown = stage.session(started)
    assert shown["state"] == "done"
    assert answer.json() == {
        "session_id": started["session_id"],
        "outcome": "award",
        "done_at": shown["done_at"],
    }
    with transaction(held.sessions) as session:
        voucher = session.scalars(select(Voucher)).one()
    assert str(voucher.id) == shown["voucher_id"]
    assert voucher.resident_id == stage.scene.resident_id
    assert voucher.release_id == stage.scene.release.id
    assert voucher.claim_channel == Channel.AR
    assert_invariants(held)


def test_a_proof_at_a_redeem_anchor_redeems_at_its_virtual_store(
    stage: Stage, held: Resources
) -> None:
    voucher_id = stage.win()
    started = stage.begin_order(voucher_id)
    answer = stage.provider.report(stage.see(started, order_fen=ORDER_FEN))
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "redeem"
    shown = stage.session(started)
    assert (shown["state"], shown["order_fen"], shown["discount_fen"]) == ("done", 6_000, 2_000)
    with transaction(held.sessions) as session:
        redemption = session.scalars(select(Redemption)).one()
        order = session.scalars(select(Order)).one()
        voucher = session.get_one(Voucher, UUID(voucher_id))
        owed_fen = session.execute(text("SELECT sum(amount_fen) FROM payables")).scalar_one()
    assert order.order_no == f"ar-{UUID(started['session_id']).hex}"
    assert redemption.store_id == stage.scene.store.id
    assert redemption.merchant_id == stage.scene.store.merchant_id
    assert redemption.channel == Channel.VIRTUAL
    assert redemption.till_id is None
    assert voucher.state == VoucherState.REDEEMED
    assert owed_fen == 2_000
    assert_invariants(held)


def test_the_provider_learns_nothing_of_the_resident(stage: Stage) -> None:
    answer = stage.provider.report(stage.see(stage.begin(stage.scene.award)))
    assert set(answer.json()) == {"session_id", "outcome", "done_at"}


@pytest.mark.parametrize("outcome", ["award", "redeem"])
def test_the_same_delivery_again_gets_the_same_answer_and_brings_nothing_more(
    stage: Stage, held: Resources, outcome: str
) -> None:
    if outcome == "award":
        sighting = stage.see(stage.begin(stage.scene.award))
    else:
        started = stage.begin_order(stage.win())
        sighting = stage.see(started, order_fen=ORDER_FEN)
    delivery = stage.provider.prepare(sighting)
    first = stage.provider.deliver(delivery)
    assert first.status_code == 200
    before = whole_state(held)
    again = stage.provider.deliver(delivery)
    assert (again.status_code, again.json()) == (200, first.json())
    # A retry by the book signs the same id and body under a new timestamp.
    retry = stage.provider.prepare(
        sighting, webhook_id=delivery.headers["webhook-id"], timestamp_s=int(time()) + 7
    )
    late = stage.provider.deliver(retry)
    assert (late.status_code, late.json()) == (200, first.json())
    assert whole_state(held) == before
    assert_invariants(held)


def test_each_visit_gives_one_voucher_up_to_the_campaigns_limit(
    app: OpenAPI, held: Resources
) -> None:
    stage = make_stage(app, held, per_person=2)
    assert stage.win() != stage.win()
    third = stage.begin(stage.scene.award)
    before = whole_state(held)
    answer = stage.provider.report(stage.see(third))
    assert (answer.status_code, answer.json()["slug"]) == (409, "limit-reached")
    assert whole_state(held) == before
    assert_invariants(held)


@pytest.mark.parametrize("off_s", [-295, 295])
def test_a_clock_that_is_a_little_off_is_forgiven(stage: Stage, off_s: int) -> None:
    delivery = stage.provider.prepare(
        stage.see(stage.begin(stage.scene.award)), timestamp_s=int(time()) + off_s
    )
    assert stage.provider.deliver(delivery).status_code == 200


def test_a_place_just_inside_the_fence_counts(stage: Stage) -> None:
    # 99 m north of the anchor, whose fence is 100 m.
    started = stage.begin(stage.scene.award)
    place = stage.see(started, lat=started["anchor"]["lat"] + 99 / 111_195, confidence=0.8)
    assert stage.provider.report(place).status_code == 200


def test_both_secrets_count_while_one_replaces_the_other(
    app: OpenAPI, stage: Stage, held: Resources
) -> None:
    code = stage.scene.provider.code
    with transaction(held.sessions) as session:
        secret = rotate_secret(session, held.vault, code, now=db_now(session))
    renewed = simulator(app, code, secret)
    assert renewed.report(stage.see(stage.begin(stage.scene.award))).status_code == 200
    order = stage.begin_order(_some_voucher(held))
    assert stage.provider.report(stage.see(order, order_fen=ORDER_FEN)).status_code == 200
    assert_invariants(held)


def test_a_replaced_secret_dies_after_its_grace(
    app: OpenAPI, stage: Stage, held: Resources
) -> None:
    code = stage.scene.provider.code
    with transaction(held.sessions) as session:
        long_ago = db_now(session) - timedelta(days=8)
        secret = rotate_secret(session, held.vault, code, now=long_ago)
    started = stage.begin(stage.scene.award)
    before = whole_state(held)
    assert stage.provider.report(stage.see(started)).status_code == 401
    assert whole_state(held) == before
    assert simulator(app, code, secret).report(stage.see(started)).status_code == 200


def test_a_leaked_secret_is_replaced_at_once(app: OpenAPI, stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    runner = app.test_cli_runner()
    made = runner.invoke(ar_keys, [stage.scene.provider.code, "--grace-days", "0"])
    assert made.exit_code == 0, made.output
    before = whole_state(held)
    assert stage.provider.report(stage.see(started)).status_code == 401
    assert whole_state(held) == before
    renewed = simulator(app, stage.scene.provider.code, made.output.strip())
    assert renewed.report(stage.see(started)).status_code == 200


def test_a_secret_of_a_provider_that_does_not_exist_is_not_replaced(app: OpenAPI) -> None:
    made = app.test_cli_runner().invoke(ar_keys, ["nobody"])
    assert made.exit_code == 1
    assert "no such AR provider" in made.output


def test_secrets_are_sealed_in_the_database(stage: Stage, held: Resources) -> None:
    with transaction(held.sessions) as session:
        stored = session.execute(text("SELECT secret_sealed FROM ar_providers")).scalar_one()
    assert stage.scene.secret.removeprefix("whsec_").encode() not in bytes(stored)
    assert len(stored) == 1 + 12 + 32 + 16


def _some_voucher(held: Resources) -> str:
    with transaction(held.sessions) as session:
        return str(session.scalars(select(Voucher.id)).one())
