"""Officials control releases: by the API and on the pages, each act in the audit log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from admin.models import AuditEntry
from coupon_service.campaigns.models import Mode, Release, ReleaseQuota
from coupon_service.core.auth import Kind
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.issuance.codes.models import ClaimCode
from redemption.awards.models import AwardRule
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.officials import make_official, signed_in_as
from tests.factories.residents import signed_in_browser
from tests.factories.waves import make_mode_release
from tests.invariants import assert_invariants

API = "/api/v1/office"


@dataclass(frozen=True)
class Office:
    small: SmallSeason
    campaign_id: UUID
    official: FlaskClient
    auditor: FlaskClient


@pytest.fixture
def office(app: OpenAPI, held: Resources) -> Iterator[Office]:
    with transaction(held.sessions) as session:
        small = make_season(session)
        campaign = make_campaign(session, small)
    district_id = small.district.id
    yield Office(
        small,
        campaign.id,
        signed_in_as(app, make_official(held, district_id)),
        signed_in_as(app, make_official(held, district_id, role=Kind.AUDITOR)),
    )
    assert_invariants(held)


def plan(office: Office, **fields: Any) -> list[str]:
    body = {"first_opens_at": "2030-01-04T10:00:00+08:00", "count": 2, "quantity": 10, **fields}
    answer = office.official.post(f"{API}/campaigns/{office.campaign_id}/rounds", json=body)
    assert answer.status_code == 201, answer.json
    return [one["release_id"] for one in answer.json["releases"]]


def actions(held: Resources) -> list[str]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def test_rounds_are_planned_changed_published_and_closed_each_in_the_log(
    office: Office, held: Resources
) -> None:
    first, second = plan(office)
    who = office.official
    group = {"name": "老年人", "seats": 4, "eligibility": {"min_age": 60}}
    window = {"opens_at": "2030-01-05T10:00:00+08:00", "closes_at": "2030-01-05T22:00:00+08:00"}
    draft = {**window, "name": "夜场", "mode": "first_come", "waiting_room": True}
    eligibility = f"{API}/campaigns/{office.campaign_id}/eligibility"
    assert who.put(eligibility, json={"areas": ["1101"]}).status_code == 204
    assert who.put(f"{API}/releases/{first}/draft", json=draft).json["name"] == "夜场"
    kept = who.put(f"{API}/releases/{first}/groups", json={"groups": [group]})
    assert kept.status_code == 200
    assert who.post(f"{API}/releases/{first}/publish").json["state"] == "open"
    resized = who.put(f"{API}/releases/{first}/quantity", json={"quantity": 12, "expected": 10})
    assert resized.json["quantity"] == 12
    assert who.post(f"{API}/releases/{first}/close").json["state"] == "closed"
    assert who.get(f"{API}/releases/{second}").json["quantity"] == 22
    assert who.delete(f"{API}/releases/{second}/draft").status_code == 204
    assert actions(held) == [
        "release.plan",
        "campaign.eligibility",
        "release.edit",
        "release.groups",
        "release.publish",
        "release.resize",
        "release.close",
        "release.discard",
    ]
    with transaction(held.sessions) as session:
        assert session.scalars(select(ReleaseQuota.last_seat)).one() == 4


def test_of_two_officials_who_change_one_quantity_the_second_is_told_who_was_first(
    app: OpenAPI, office: Office, held: Resources
) -> None:
    (release_id,) = plan(office, count=1, publish=True)
    colleague = make_official(held, office.small.district.id, name="李经办")
    page = f"/admin/releases/{release_id}/quantity"
    first = signed_in_as(app, colleague).post(page, data={"quantity": "15", "expected": "10"})
    assert first.status_code == 303
    second = office.official.post(page, data={"quantity": "20", "expected": "10"})
    assert second.status_code == 409
    assert "李经办" in second.text
    assert 'value="15"' in second.text
    api = f"{API}/releases/{release_id}/quantity"
    lost = office.official.put(api, json={"quantity": 20, "expected": 10})
    assert (lost.status_code, lost.json["slug"]) == (409, "quantity-changed")
    with transaction(held.sessions) as session:
        assert session.scalars(select(Release.quantity)).one() == 15
    assert actions(held).count("release.resize") == 1


def test_more_than_the_node_holds_is_refused_with_what_it_holds(office: Office) -> None:
    (release_id,) = plan(office, count=1, quantity=50_000, publish=True)
    page = f"/admin/releases/{release_id}/quantity"
    refused = office.official.post(page, data={"quantity": "50001", "expected": "50000"})
    assert refused.status_code == 409
    assert "可用 0 元" in refused.text
    rounds = {"campaign_id": str(office.campaign_id), "first_opens_at": "2030-01-04T10:00"}
    form = {"count": "2", "quantity": "1", "step_days": "7", "mode": "first_come", "publish": "1"}
    assert office.official.post("/admin/rounds", data={**rounds, **form}).status_code == 409


def test_the_pages_plan_publish_pause_and_close(office: Office, held: Resources) -> None:
    form = {
        "campaign_id": str(office.campaign_id),
        "first_id": str(uuid4()),
        "first_opens_at": "2030-01-04T10:00",
        "step_days": "7",
        "count": "3",
        "quantity": "1,000",
        "open_h": "",
        "mode": "first_come",
        "flows": "1",
    }
    assert office.official.get("/admin/rounds").status_code == 200
    for _ in range(2):  # the same form twice plans once
        assert office.official.post("/admin/rounds", data=form).status_code == 303
    listed = office.official.get("/admin/releases").text
    assert "第3轮" in listed
    assert "第4轮" not in listed
    release = f"/admin/releases/{form['first_id']}"
    assert 'value="publish"' in office.official.get(release).text
    groups = {"g0_name": "老年人", "g0_seats": "200", "g0_min_age": "60"}
    assert office.official.post(f"{release}/groups", data=groups).status_code == 303
    conditions = {"min_age": "18", "areas": "110102 110101", "first_time": "1"}
    assert office.official.post(f"{release}/eligibility", data=conditions).status_code == 303
    for act in ("publish", "pause", "resume", "close"):
        assert office.official.post(release, data={"act": act}).status_code == 303, act
    shown = office.official.get(release).text
    assert "110102、110101" in shown
    assert "老年人" in shown
    again = {
        "new_id": str(uuid4()),
        "name": "补投",
        "quantity": "10",
        "opens_at": "2030-02-01T10:00",
        "closes_at": "2030-02-02T10:00",
    }
    assert office.official.post(f"{release}/recycle", data=again).status_code == 303
    with transaction(held.sessions) as session:
        extra = session.get_one(Release, UUID(again["new_id"]))
        assert (extra.state, extra.quantity) == ("open", 10)
        assert extra.opens_at.astimezone(LOCAL_ZONE).hour == 10


def test_what_a_form_gets_wrong_is_said_on_the_page_and_changes_nothing(
    office: Office, held: Resources
) -> None:
    (release_id,) = plan(office, count=1)
    page = f"/admin/releases/{release_id}"
    for path, form in [
        ("/quantity", {"quantity": "１０", "expected": "10"}),
        ("/quantity", {"quantity": "-1", "expected": "10"}),
        ("/draft", {"name": "", "mode": "first_come", "opens_at": "x", "closes_at": ""}),
        ("/groups", {"g0_name": "老年人", "g0_seats": "many"}),
        ("/eligibility", {"min_age": "70", "max_age": "60"}),
    ]:
        answer = office.official.post(page + path, data=form)
        assert answer.status_code == 400, path
        assert "填写的内容有误" in answer.text
    assert actions(held) == ["release.plan"]


def test_a_claim_code_is_shown_once_and_brings_a_voucher(
    app: OpenAPI, office: Office, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, office.small)
        release_id = make_mode_release(session, campaign, Mode.CODE).id
        today = db_now(session).astimezone(LOCAL_ZONE)
    page = f"/admin/releases/{release_id}"
    form = {
        "label": "广内社区接龙",
        "channel": "onsite",
        "uses_max": "5",
        "valid_from": (today - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "valid_until": (today + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
    }
    sheet = office.official.post(f"{page}/codes", data=form)
    assert sheet.status_code == 201
    code = sheet.text.split('class="sheet__code">')[1].split("<")[0]
    assert "<svg" in sheet.text
    assert code not in office.official.get(page).text
    browser = signed_in_browser(app, verified=True)
    assert "立即领取" in browser.get(f"/c/{code}").text
    claimed = browser.post("/codes", data={"code": code})
    assert claimed.status_code == 303
    assert browser.get(f"/c/{code}").location == claimed.location.split("?")[0]
    with transaction(held.sessions) as session:
        (made,) = session.scalars(select(ClaimCode)).all()
        assert made.uses == 1
    assert office.official.post(f"/admin/claim-codes/{made.id}/stop").status_code == 303
    other = signed_in_browser(app, verified=True)
    refused = other.post("/codes", data={"code": code})
    assert (refused.status_code, "领券码不正确" in refused.text) == (400, True)
    assert actions(held) == ["code.make", "code.stop"]


def test_award_rules_are_made_and_ended_on_the_page(office: Office, held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, office.small)
        release_id = make_mode_release(session, campaign, Mode.AWARD, quantity=5).id
    page = f"/admin/releases/{release_id}"
    form = {"source_campaign_id": "", "min_order": "88.50", "per_person": "2"}
    assert office.official.post(f"{page}/award-rules", data=form).status_code == 303
    assert "88.50" in office.official.get(page).text
    with transaction(held.sessions) as session:
        (rule,) = session.scalars(select(AwardRule)).all()
        assert (rule.min_order_fen, rule.per_person) == (8_850, 2)
    assert office.official.post(f"/admin/award-rules/{rule.id}/end").status_code == 303
    with transaction(held.sessions) as session:
        assert session.scalars(select(AwardRule.active)).one() is False


def test_auditors_look_and_do_not_act(office: Office, held: Resources) -> None:
    (release_id,) = plan(office, count=1)
    page = office.auditor.get(f"/admin/releases/{release_id}")
    assert page.status_code == 200
    assert '<form method="post" action="/admin/releases' not in page.text
    assert office.auditor.get(f"{API}/campaigns/{office.campaign_id}/breakage").status_code == 200
    assert office.auditor.post(f"{API}/releases/{release_id}/publish").status_code == 401
    assert actions(held) == ["release.plan"]


def test_another_district_does_not_exist(app: OpenAPI, office: Office, held: Resources) -> None:
    with transaction(held.sessions) as session:
        elsewhere = make_season(session)
        release = make_release(session, make_campaign(session, elsewhere))
    stranger = office.official
    assert stranger.get(f"/admin/releases/{release.id}").status_code == 404
    body = {"quantity": 1, "expected": 100}
    assert stranger.put(f"{API}/releases/{release.id}/quantity", json=body).status_code == 404
    rounds = {"first_opens_at": "2030-01-04T10:00:00+08:00", "count": 1, "quantity": 1}
    address = f"{API}/campaigns/{release.campaign_id}/rounds"
    assert stranger.post(address, json=rounds).status_code == 404
    assert actions(held) == []
