"""Presence proofs that are refused: each for its own reason, and each without a trace."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from time import time
from uuid import UUID

import orjson
import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import update

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.core.webhooks import as_key, as_secret, new_key, sign
from coupon_service.simulation.ar_provider import Delivery
from redemption.ar.models import ArOutcome, ArProvider, ArSession
from tests.factories.ar import (
    ORDER_FEN,
    Stage,
    make_anchor,
    make_provider,
    make_stage,
    simulator,
    whole_state,
)
from tests.factories.people import make_resident
from tests.invariants import assert_invariants


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    return make_stage(app, held)


def signed_again(stage: Stage, delivery: Delivery, body: bytes) -> Delivery:
    """Another body under the same id and timestamp, rightly signed."""
    headers = delivery.headers
    key = as_key(stage.scene.secret)
    signature = sign(key, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    return replace(delivery, body=body, headers=headers | {"webhook-signature": signature})


def assert_refused(
    held: Resources, stage: Stage, delivery: Delivery, status: int, slug: str
) -> None:
    before = whole_state(held)
    answer = stage.provider.deliver(delivery)
    assert (answer.status_code, answer.json()["slug"]) == (status, slug)
    assert answer.headers["content-type"] == "application/problem+json"
    assert whole_state(held) == before
    assert_invariants(held)


ALTERATIONS: dict[str, Callable[[Delivery], Delivery]] = {
    "one byte more": lambda d: replace(d, body=d.body + b" "),
    "another confidence": lambda d: replace(d, body=d.body.replace(b"0.97", b"0.98")),
    "another id": lambda d: replace(d, headers=d.headers | {"webhook-id": "msg_other"}),
    "another time": lambda d: replace(d, headers=d.headers | {"webhook-timestamp": "1700000000"}),
    "no id": lambda d: replace(d, headers=d.headers | {"webhook-id": ""}),
    "an id with a full stop": lambda d: replace(d, headers=d.headers | {"webhook-id": "a.1"}),
    "a time with a fraction": lambda d: replace(
        d, headers=d.headers | {"webhook-timestamp": d.headers["webhook-timestamp"] + ".0"}
    ),
    "an endless time": lambda d: replace(d, headers=d.headers | {"webhook-timestamp": "9" * 400}),
    "an empty signature": lambda d: replace(d, headers=d.headers | {"webhook-signature": ""}),
    "another scheme": lambda d: replace(
        d, headers=d.headers | {"webhook-signature": "v1a" + d.headers["webhook-signature"][2:]}
    ),
    "an unknown provider": lambda d: replace(d, path="/api/v1/ar/providers/nobody/events"),
    "a NUL in the provider": lambda d: replace(d, path="/api/v1/ar/providers/a%00b/events"),
    "a provider of bad letters": lambda d: replace(d, path="/api/v1/ar/providers/ÄÖ'--/events"),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_what_is_not_signed_as_it_is_sent_is_refused(
    stage: Stage, held: Resources, alteration: str
) -> None:
    delivery = stage.provider.prepare(stage.see(stage.begin(stage.scene.award)))
    altered = ALTERATIONS[alteration](delivery)
    assert_refused(held, stage, altered, 401, "ar-signature-invalid")
    assert stage.provider.deliver(delivery).status_code == 200


def test_an_unsigned_event_is_refused(stage: Stage, held: Resources) -> None:
    delivery = stage.provider.prepare(stage.see(stage.begin(stage.scene.award)))
    bare = {"content-type": delivery.headers["content-type"]}
    assert_refused(held, stage, replace(delivery, headers=bare), 401, "not-signed-in")


def test_a_residents_cookie_is_no_signature(stage: Stage, held: Resources) -> None:
    delivery = stage.provider.prepare(stage.see(stage.begin(stage.scene.award)))
    before = whole_state(held)
    answer = stage.browser.post(
        delivery.path, data=delivery.body, content_type="application/cloudevents+json"
    )
    assert answer.status_code == 401
    assert whole_state(held) == before


def test_a_wrong_secret_is_refused(app: OpenAPI, stage: Stage, held: Resources) -> None:
    stranger = simulator(app, stage.scene.provider.code, as_secret(new_key()))
    delivery = stranger.prepare(stage.see(stage.begin(stage.scene.award)))
    assert_refused(held, stage, delivery, 401, "ar-signature-invalid")


def test_a_provider_that_is_switched_off_is_refused(stage: Stage, held: Resources) -> None:
    delivery = stage.provider.prepare(stage.see(stage.begin(stage.scene.award)))
    with transaction(held.sessions) as session:
        session.execute(update(ArProvider).values(is_active=False))
    assert_refused(held, stage, delivery, 401, "ar-signature-invalid")


@pytest.mark.parametrize("off_s", [-86_400, -310, 310, 86_400])
def test_a_stale_or_future_timestamp_is_refused(stage: Stage, held: Resources, off_s: int) -> None:
    sighting = stage.see(stage.begin(stage.scene.award))
    delivery = stage.provider.prepare(sighting, timestamp_s=int(time()) + off_s)
    assert_refused(held, stage, delivery, 401, "ar-timestamp-outside-window")
    assert stage.provider.report(sighting).status_code == 200


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"confidence": 0.799}, "ar-confidence-too-low"),
        ({"lat": 39.8948 + 101 / 111_195}, "ar-outside-fence"),
        ({"lat": -39.8948, "lon": -63.6092}, "ar-outside-fence"),
        ({"nonce": "not-the-nonce"}, "ar-proof-mismatch"),
        ({"nonce": "随机数"}, "ar-proof-mismatch"),
        ({"anchor_id": new_id()}, "ar-proof-mismatch"),
        ({"order_fen": 6_000}, "ar-proof-mismatch"),
    ],
)
def test_a_proof_that_does_not_hold_leaves_the_session_open(
    stage: Stage, held: Resources, changes: dict[str, object], slug: str
) -> None:
    started = stage.begin(stage.scene.award)
    delivery = stage.provider.prepare(stage.see(started, **changes))
    assert_refused(held, stage, delivery, 409, slug)
    assert stage.session(started)["state"] == "open"
    assert stage.provider.report(stage.see(started)).status_code == 200
    assert_invariants(held)


def test_a_session_of_another_anchor_is_refused(stage: Stage, held: Resources) -> None:
    with transaction(held.sessions) as session:
        other = make_anchor(
            session,
            stage.scene.provider,
            outcome=ArOutcome.AWARD,
            release_id=stage.scene.release.id,
        )
    started = stage.begin(stage.scene.award)
    delivery = stage.provider.prepare(stage.see(started, anchor_id=other.id))
    assert_refused(held, stage, delivery, 409, "ar-proof-mismatch")


def test_another_providers_anchor_is_as_good_as_none(
    app: OpenAPI, stage: Stage, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        provider, secret = make_provider(session, held.vault, stage.scene.small)
    other = simulator(app, provider.code, secret)
    started = stage.begin(stage.scene.award)
    delivery = other.prepare(stage.see(started))
    assert_refused(held, stage, delivery, 404, "ar-session-unknown")
    # Nor does it learn that the session has been used.
    assert stage.provider.report(stage.see(started)).status_code == 200
    assert_refused(held, stage, delivery, 404, "ar-session-unknown")


def test_an_unknown_session_is_refused(stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    delivery = stage.provider.prepare(stage.see(started, session_id=new_id()))
    assert_refused(held, stage, delivery, 404, "ar-session-unknown")


def test_an_expired_session_is_refused(stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    with transaction(held.sessions) as session:
        now = db_now(session)
        session.execute(
            update(ArSession).values(created_at=now - timedelta(minutes=10), expires_at=now)
        )
    delivery = stage.provider.prepare(stage.see(started))
    assert_refused(held, stage, delivery, 409, "ar-session-expired")
    assert stage.session(started)["state"] == "expired"


def test_a_used_session_takes_no_second_proof(stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    assert stage.provider.report(stage.see(started)).status_code == 200
    assert_refused(held, stage, stage.provider.prepare(stage.see(started)), 409, "ar-session-used")


@pytest.mark.parametrize("target", ["same session", "open session", "no session"])
def test_a_webhook_id_with_another_body_is_refused(
    stage: Stage, held: Resources, target: str
) -> None:
    started = stage.begin(stage.scene.award)
    delivery = stage.provider.prepare(stage.see(started))
    assert stage.provider.deliver(delivery).status_code == 200
    event = orjson.loads(delivery.body)
    if target == "same session":
        event["data"]["confidence"] = 0.99
    elif target == "open session":
        waiting = stage.begin(stage.scene.award)
        event["data"] |= {"session_id": waiting["session_id"], "nonce": waiting["nonce"]}
    else:
        event["data"]["session_id"] = str(new_id())
    altered = signed_again(stage, delivery, orjson.dumps(event))
    assert_refused(held, stage, altered, 409, "webhook-id-reused")


@pytest.mark.parametrize("order_fen", [None, 5_999, 6_001])
def test_an_order_that_the_provider_does_not_confirm_is_refused(
    stage: Stage, held: Resources, order_fen: int | None
) -> None:
    started = stage.begin_order(stage.win())
    delivery = stage.provider.prepare(stage.see(started, order_fen=order_fen))
    assert_refused(held, stage, delivery, 409, "ar-proof-mismatch")


def test_an_order_below_the_threshold_is_refused(stage: Stage, held: Resources) -> None:
    started = stage.begin_order(stage.win(), order_fen=4_999)
    delivery = stage.provider.prepare(stage.see(started, order_fen=4_999))
    assert_refused(held, stage, delivery, 409, "below-threshold")


def test_a_voucher_pays_for_one_order_only(stage: Stage, held: Resources) -> None:
    voucher_id = stage.win()
    first, second = stage.begin_order(voucher_id), stage.begin_order(voucher_id)
    assert stage.provider.report(stage.see(first, order_fen=ORDER_FEN)).status_code == 200
    delivery = stage.provider.prepare(stage.see(second, order_fen=ORDER_FEN))
    assert_refused(held, stage, delivery, 409, "voucher-used")


def test_a_voucher_that_does_not_work_in_virtual_stores_is_refused(
    app: OpenAPI, held: Resources
) -> None:
    stage = make_stage(app, held, redeem_channels=["onsite"])
    started = stage.begin_order(stage.win())
    delivery = stage.provider.prepare(stage.see(started, order_fen=ORDER_FEN))
    assert_refused(held, stage, delivery, 409, "channel-out-of-scope")


def test_a_campaign_not_claimed_by_ar_gives_nothing(app: OpenAPI, held: Resources) -> None:
    stage = make_stage(app, held, claim_channels=["online"])
    delivery = stage.provider.prepare(stage.see(stage.begin(stage.scene.award)))
    assert_refused(held, stage, delivery, 409, "channel-closed")


def test_a_sold_out_release_leaves_the_session_open(app: OpenAPI, held: Resources) -> None:
    stage = make_stage(app, held, quantity=1)
    stage.win()
    with transaction(held.sessions) as session:
        late = make_resident(session)
    started = stage.begin(stage.scene.award)
    with transaction(held.sessions) as session:
        session.execute(
            update(ArSession)
            .where(ArSession.id == UUID(started["session_id"]))
            .values(resident_id=late)
        )
    delivery = stage.provider.prepare(stage.see(started))
    assert_refused(held, stage, delivery, 409, "sold-out")


BODIES: dict[str, tuple[Callable[[bytes], bytes], int, str]] = {
    "not JSON": (lambda _: b"{", 400, "malformed-json"),
    "a list": (lambda _: b"[]", 400, "malformed-json"),
    "nested a thousandfold": (lambda _: b"[" * 8_000, 400, "malformed-json"),
    "not UTF-8": (lambda body: body.replace(b"sim", b"\xff\xfe"), 400, "malformed-json"),
    "an unknown attribute": (
        lambda body: body.replace(b'"data"', b'"resident":"x","data"'),
        400,
        "invalid-request",
    ),
    "another type": (lambda body: body.replace(b".v1", b".v2"), 400, "invalid-request"),
    "too large": (lambda body: body + b" " * 16_384, 413, "too-large"),
}


@pytest.mark.parametrize("fault", BODIES)
def test_a_signed_body_of_another_shape_is_refused(
    stage: Stage, held: Resources, fault: str
) -> None:
    alter, status, slug = BODIES[fault]
    delivery = stage.provider.prepare(stage.see(stage.begin(stage.scene.award)))
    assert_refused(held, stage, signed_again(stage, delivery, alter(delivery.body)), status, slug)


def test_another_media_type_is_refused(stage: Stage, held: Resources) -> None:
    delivery = stage.provider.prepare(stage.see(stage.begin(stage.scene.award)))
    plain = replace(delivery, headers=delivery.headers | {"content-type": "application/json"})
    assert_refused(held, stage, plain, 415, "ar-media-type")
