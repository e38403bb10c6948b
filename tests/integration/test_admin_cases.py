"""Officials decide cases and releases over the API and the pages; the audit log has it all."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from admin.models import AuditEntry
from coupon_service.campaigns.models import Release, ReleaseState
from coupon_service.core.auth import Kind
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import Payable, Standing
from fraud.lapse import lapse_overdue
from fraud.models import Case, CaseState
from tests.factories.fraud import Scene, make_scene, planted_pattern
from tests.factories.officials import make_official, signed_in_as
from tests.invariants import assert_invariants

ACTS = ("release", "confirm", "prolong")
WHY = {"reason": "现场核实，系统误报"}


@pytest.fixture
def scene(held: Resources) -> Scene:
    scene = make_scene(held)
    planted_pattern(held, scene)
    drain(held.sessions)
    return scene


@pytest.fixture
def official(app: OpenAPI, held: Resources, scene: Scene) -> FlaskClient:
    return signed_in_as(app, make_official(held, scene.small.district.id))


@pytest.fixture
def case_id(held: Resources, scene: Scene) -> UUID:
    with transaction(held.sessions) as session:
        return session.execute(select(Case.id)).scalar_one()


def actions(held: Resources) -> list[str]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def state(held: Resources, case_id: UUID) -> CaseState:
    with transaction(held.sessions) as session:
        return CaseState(session.get_one(Case, case_id).state)


def held_count(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return len(session.scalars(select(Payable).where(Payable.standing == Standing.HELD)).all())


def test_the_list_and_the_file_of_a_case(official: FlaskClient, case_id: UUID) -> None:
    (case,) = official.get("/api/v1/office/cases?state=open").json["cases"]
    assert case["case_id"] == str(case_id)
    assert (case["held_count"], case["held_fen"]) == (8, 16_000)
    detail = official.get(f"/api/v1/office/cases/{case_id}").json
    assert len(detail["redemptions"]) == 8
    assert {row["resident_no"] for row in detail["redemptions"]} == set(range(1, 9))
    assert "resident_id" not in detail["redemptions"][0]
    assert official.get("/api/v1/office/cases?state=confirmed").json["cases"] == []


def test_a_release_frees_the_money_and_is_written_down(
    held: Resources, official: FlaskClient, case_id: UUID
) -> None:
    answer = official.post(f"/api/v1/office/cases/{case_id}/release", json=WHY)
    assert answer.status_code == 200
    assert (answer.json["state"], answer.json["held_fen"]) == ("released", 0)
    assert held_count(held) == 0
    (entry,) = official.get("/api/v1/office/audit").json["entries"]
    assert (entry["action"], entry["actor"]) == ("case.release", "王经办")
    assert entry["details"] == WHY | {"payables": 8, "held_fen": 16_000}
    again = official.post(f"/api/v1/office/cases/{case_id}/confirm", json=WHY)
    assert (again.status_code, again.json["slug"]) == (409, "case-decided")
    assert actions(held) == ["case.release"]
    assert_invariants(held)


def test_confirming_keeps_the_money_held(
    held: Resources, official: FlaskClient, case_id: UUID
) -> None:
    answer = official.post(f"/api/v1/office/cases/{case_id}/confirm", json=WHY)
    assert (answer.status_code, answer.json["state"]) == (200, "confirmed")
    assert held_count(held) == 8
    assert actions(held) == ["case.confirm"]
    assert_invariants(held)


def test_prolonging_moves_the_time_limit_and_nothing_else(
    held: Resources, official: FlaskClient, case_id: UUID
) -> None:
    before = official.get(f"/api/v1/office/cases/{case_id}").json["due_at"]
    answer = official.post(f"/api/v1/office/cases/{case_id}/prolong", json=WHY)
    assert answer.status_code == 200
    assert answer.json["due_at"] >= before
    assert (state(held, case_id), held_count(held)) == (CaseState.OPEN, 8)
    assert actions(held) == ["case.prolong"]


def test_who_only_reads_decides_nothing(
    app: OpenAPI, held: Resources, scene: Scene, case_id: UUID
) -> None:
    for role in (Kind.AUDITOR, Kind.ADMINISTRATOR):
        reader = signed_in_as(app, make_official(held, scene.small.district.id, role=role))
        assert reader.get(f"/api/v1/office/cases/{case_id}").status_code == 200
        for act in ACTS:
            answer = reader.post(f"/api/v1/office/cases/{case_id}/{act}", json=WHY)
            assert answer.status_code in (401, 403)
        assert "<textarea" not in reader.get(f"/admin/cases/{case_id}").text
    assert (state(held, case_id), held_count(held), actions(held)) == (CaseState.OPEN, 8, [])


def test_another_districts_case_does_not_exist(
    app: OpenAPI, held: Resources, case_id: UUID
) -> None:
    elsewhere = make_scene(held)
    stranger = signed_in_as(app, make_official(held, elsewhere.small.district.id))
    answers = [
        stranger.get(f"/api/v1/office/cases/{case_id}"),
        stranger.get(f"/admin/cases/{case_id}"),
    ]
    for act in ACTS:
        answers += [
            stranger.post(f"/api/v1/office/cases/{case_id}/{act}", json=WHY),
            stranger.post(f"/admin/cases/{case_id}", data=WHY | {"act": act}),
        ]
    assert {answer.status_code for answer in answers} == {404}
    assert (state(held, case_id), held_count(held), actions(held)) == (CaseState.OPEN, 8, [])


def test_a_decision_needs_a_reason_that_can_be_kept(
    held: Resources, official: FlaskClient, case_id: UUID
) -> None:
    for reason in (
        "",
        "   ",
        "短",
        "x" * 501,
        "四个字\x00啊",
        5,
        None,
        "一行\n两行",
        "反着\u202e读",
    ):
        answer = official.post(f"/api/v1/office/cases/{case_id}/release", json={"reason": reason})
        assert (answer.status_code, answer.json["slug"]) == (400, "invalid-request"), reason
    assert (state(held, case_id), held_count(held), actions(held)) == (CaseState.OPEN, 8, [])


def test_a_decision_that_fails_leaves_no_entry(held: Resources, official: FlaskClient) -> None:
    answer = official.post(f"/api/v1/office/cases/{new_id()}/release", json=WHY)
    assert answer.status_code == 404
    assert actions(held) == []


def test_the_page_decides_like_the_api(
    held: Resources, official: FlaskClient, case_id: UUID
) -> None:
    short = official.post(f"/admin/cases/{case_id}", data={"act": "release", "reason": "短"})
    assert short.status_code == 400
    assert "请写明理由" in short.text
    assert 'value="release" required checked' in short.text
    unknown = official.post(f"/admin/cases/{case_id}", data=WHY | {"act": "explode"})
    assert unknown.status_code == 400
    assert state(held, case_id) is CaseState.OPEN
    done = official.post(f"/admin/cases/{case_id}", data=WHY | {"act": "release"})
    assert (done.status_code, done.headers["Location"]) == (303, f"/admin/cases/{case_id}")
    late = official.post(f"/admin/cases/{case_id}", data=WHY | {"act": "confirm"})
    assert late.status_code == 409
    assert "已有结论" in late.text
    assert actions(held) == ["case.release"]
    assert_invariants(held)


def test_another_sites_form_decides_nothing(
    held: Resources, official: FlaskClient, case_id: UUID
) -> None:
    answer = official.post(
        f"/admin/cases/{case_id}",
        data=WHY | {"act": "release"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status_code == 403
    assert state(held, case_id) is CaseState.OPEN


def test_a_lapse_is_written_down_as_the_services_own(
    held: Resources, scene: Scene, official: FlaskClient
) -> None:
    with transaction(held.sessions) as session:
        lapse_overdue(session, now=db_now(session) + timedelta(days=11))
    drain(held.sessions)
    (entry,) = official.get("/api/v1/office/audit").json["entries"]
    assert (entry["action"], entry["actor_kind"], entry["actor"]) == ("case.lapse", "service", None)
    assert_invariants(held)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries"]
)
def test_the_audit_log_cannot_be_changed(
    held: Resources, official: FlaskClient, case_id: UUID, statement: str
) -> None:
    official.post(f"/api/v1/office/cases/{case_id}/release", json=WHY)
    with pytest.raises(ProgrammingError), transaction(held.sessions) as session:
        session.execute(text(statement))
    assert actions(held) == ["case.release"]


def test_a_release_can_be_paused_and_resumed(
    held: Resources, scene: Scene, official: FlaskClient
) -> None:
    release_id = scene.release.id

    def release_state() -> ReleaseState:
        with transaction(held.sessions) as session:
            return ReleaseState(session.get_one(Release, release_id).state)

    assert official.post(f"/api/v1/office/releases/{release_id}/pause").status_code == 204
    assert release_state() is ReleaseState.PAUSED
    twice = official.post(f"/api/v1/office/releases/{release_id}/pause")
    assert (twice.status_code, twice.json["slug"]) == (409, "release-state")
    page = official.post(f"/admin/releases/{release_id}", data={"act": "resume"})
    assert page.status_code == 303
    assert release_state() is ReleaseState.OPEN
    assert actions(held) == ["release.pause", "release.resume"]
    (row,) = official.get("/api/v1/office/releases").json["releases"]
    assert (row["claimed"], row["quantity"], row["state"]) == (8, 1_000, "open")


def test_another_districts_release_does_not_exist(
    app: OpenAPI, held: Resources, scene: Scene
) -> None:
    elsewhere = make_scene(held)
    stranger = signed_in_as(app, make_official(held, elsewhere.small.district.id))
    answer = stranger.post(f"/api/v1/office/releases/{scene.release.id}/pause")
    assert answer.status_code == 404
    assert actions(held) == []


def test_pages_have_no_inline_style_and_no_foreign_address(
    official: FlaskClient, case_id: UUID
) -> None:
    for path in (
        "/admin/",
        "/admin/cases",
        f"/admin/cases/{case_id}",
        "/admin/releases",
        "/admin/settlements",
        "/admin/audit",
        "/admin/sign-in",
    ):
        answer = official.get(path)
        assert answer.status_code == 200, path
        assert not re.search(r"\sstyle=|<style|\son\w+=", answer.text), path
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text), path


def test_pages_speak_english_on_request(official: FlaskClient) -> None:
    official.set_cookie("lang", "en")
    assert "Public money" in official.get("/admin/").text


def test_a_visitor_is_sent_to_sign_in_and_back(client: FlaskClient, held: Resources) -> None:
    answer = client.get("/admin/cases", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/admin/sign-in?next=%2Fadmin%2Fcases"


def test_the_sign_in_page_goes_back_to_this_site_only(
    app: OpenAPI, held: Resources, scene: Scene
) -> None:
    official = make_official(held, scene.small.district.id)
    answer = app.test_client().post(
        "/admin/sign-in?next=https://elsewhere.invalid/", data=official.credentials()
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/")
    refused = app.test_client().post("/admin/sign-in", data=official.credentials())
    assert refused.status_code == 401
    assert "动态码" in refused.text
