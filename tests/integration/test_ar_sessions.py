"""What residents and the public see of the AR hook."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import text, update

from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.invariants import violations
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from redemption.ar.models import ArOutcome, ArProvider
from tests.factories.ar import (
    ORDER_FEN,
    Stage,
    make_anchor,
    make_stage,
    resident_client,
    whole_state,
)
from tests.factories.people import make_resident
from tests.invariants import assert_invariants

SESSIONS = "/api/v1/ar/sessions"


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    return make_stage(app, held)


def assert_not_begun(
    held: Resources, browser: FlaskClient, body: Any, status: int, slug: str
) -> None:
    before = whole_state(held)
    answer = browser.post(SESSIONS, json=body)
    assert (answer.status_code, answer.get_json()["slug"]) == (status, slug)
    assert whole_state(held) == before


def test_a_begun_session_names_its_place_and_its_end(stage: Stage) -> None:
    started = stage.begin(stage.scene.award)
    assert started["anchor"]["lat"] == 39.8948
    assert started["anchor"]["radius_m"] == 100
    assert started["anchor"]["outcome"] == "award"
    assert len(started["nonce"]) == 32
    assert started["nonce"] != stage.begin(stage.scene.award)["nonce"]


def test_the_nonce_is_shown_once(stage: Stage) -> None:
    started = stage.begin(stage.scene.award)
    answer = stage.browser.get(f"{SESSIONS}/{started['session_id']}")
    assert started["nonce"] not in answer.text


def test_only_a_resident_with_a_known_name_begins(
    app: OpenAPI, stage: Stage, held: Resources
) -> None:
    body = {"anchor_id": str(stage.scene.award.id)}
    assert_not_begun(held, app.test_client(), body, 401, "not-signed-in")
    unnamed = resident_client(app, stage.scene.resident_id, verified=False)
    assert_not_begun(held, unnamed, body, 403, "real-name-needed")


@pytest.mark.parametrize("missing", ["voucher_id", "order_fen", "both"])
def test_a_redeem_intent_names_voucher_and_order(
    stage: Stage, held: Resources, missing: str
) -> None:
    intent = {"voucher_id": stage.win(), "order_fen": ORDER_FEN}
    kept = {} if missing == "both" else {k: v for k, v in intent.items() if k != missing}
    body = {"anchor_id": str(stage.scene.redeem.id)} | kept
    assert_not_begun(held, stage.browser, body, 400, "ar-intent-mismatch")


def test_an_award_intent_names_neither(stage: Stage, held: Resources) -> None:
    for extra in ({"voucher_id": str(new_id())}, {"order_fen": ORDER_FEN}):
        body = {"anchor_id": str(stage.scene.award.id)} | extra
        assert_not_begun(held, stage.browser, body, 400, "ar-intent-mismatch")


@pytest.mark.parametrize("order_fen", [0, -1, 1.5, "6000", True, 2**63])
def test_an_order_that_is_no_amount_is_refused(
    stage: Stage, held: Resources, order_fen: object
) -> None:
    body = {
        "anchor_id": str(stage.scene.redeem.id),
        "voucher_id": str(new_id()),
        "order_fen": order_fen,
    }
    assert_not_begun(held, stage.browser, body, 400, "invalid-request")


def test_somebody_elses_voucher_is_unknown(app: OpenAPI, stage: Stage, held: Resources) -> None:
    body = {
        "anchor_id": str(stage.scene.redeem.id),
        "voucher_id": stage.win(),
        "order_fen": ORDER_FEN,
    }
    with transaction(held.sessions) as session:
        other = resident_client(app, make_resident(session))
    assert_not_begun(held, other, body, 404, "voucher-not-found")
    assert_invariants(held)


def test_somebody_elses_session_is_unknown(app: OpenAPI, stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    with transaction(held.sessions) as session:
        other = resident_client(app, make_resident(session))
    for session_id in (started["session_id"], new_id()):
        answer = other.get(f"{SESSIONS}/{session_id}")
        assert (answer.status_code, answer.get_json()["slug"]) == (404, "ar-session-unknown")
    assert app.test_client().get(f"{SESSIONS}/{started['session_id']}").status_code == 401


def test_an_unknown_anchor_begins_nothing(stage: Stage, held: Resources) -> None:
    assert_not_begun(held, stage.browser, {"anchor_id": str(new_id())}, 404, "ar-anchor-unknown")


def test_a_provider_that_is_switched_off_has_no_anchors(stage: Stage, held: Resources) -> None:
    with transaction(held.sessions) as session:
        session.execute(update(ArProvider).values(is_active=False))
    body = {"anchor_id": str(stage.scene.award.id)}
    assert_not_begun(held, stage.browser, body, 404, "ar-anchor-unknown")
    assert stage.browser.get("/api/v1/ar/anchors").get_json()["items"] == []


def test_anybody_can_page_through_the_anchors(
    client: FlaskClient, stage: Stage, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        for number in range(3):
            make_anchor(
                session,
                stage.scene.provider,
                code=f"b-{number}",
                outcome=ArOutcome.AWARD,
                release_id=stage.scene.release.id,
            )
    codes: list[str] = []
    after: str | None = ""
    while after is not None:
        query = {"limit": "2"} | ({"after": after} if after else {})
        page = client.get("/api/v1/ar/anchors", query_string=query).get_json()
        assert len(page["items"]) <= 2
        codes += [item["code"] for item in page["items"]]
        after = page["next"]
    assert codes == sorted([stage.scene.award.code, stage.scene.redeem.code, "b-0", "b-1", "b-2"])
    for bad in ("0", "101", "x"):
        assert client.get(f"/api/v1/ar/anchors?limit={bad}").status_code == 400


def test_a_nul_in_a_query_is_no_failure(client: FlaskClient, stage: Stage) -> None:
    assert client.get("/api/v1/ar/anchors?after=%00").status_code == 400


def test_sessions_are_limited_per_resident(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"rate_limits_enabled": True}))
    with app.app_context():
        held = app.extensions["coupon_service"]
        stage = make_stage(app, held)
        body = {"anchor_id": str(stage.scene.award.id)}
        answers = [stage.browser.post(SESSIONS, json=body) for _ in range(21)]
        assert [answer.status_code for answer in answers] == [201] * 20 + [429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        with transaction(held.sessions) as session:
            other = resident_client(app, make_resident(session))
        assert other.post(SESSIONS, json=body).status_code == 201
        held.engine.dispose()


def test_the_description_names_the_cloudevents_media_type(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    event = paths["/api/v1/ar/providers/{provider}/events"]["post"]
    assert list(event["requestBody"]["content"]) == ["application/cloudevents+json"]
    assert event["security"] == [{"ar_provider": []}]


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("UPDATE ar_sessions SET resident_id = :other", "an AR award is a voucher"),
        ("DELETE FROM ar_events", "an AR session is done exactly when"),
        ("UPDATE redemptions SET channel = 'onsite'", "an AR redemption is of the session's"),
        ("UPDATE stores SET channel = 'onsite'", "an AR anchor stays within"),
    ],
)
def test_the_invariants_see_what_is_broken(
    stage: Stage, held: Resources, damage: str, broken: str
) -> None:
    started = stage.begin_order(stage.win())
    assert stage.provider.report(stage.see(started, order_fen=ORDER_FEN)).status_code == 200
    assert_invariants(held)
    with transaction(held.sessions) as session:
        other = {"other": make_resident(session)} if ":other" in damage else {}
        session.execute(text(damage), other)
    with transaction(held.sessions) as snapshot:
        found = {violation.invariant for violation in violations(snapshot, held.invariants)}
    assert any(name.startswith(broken) for name in found)
