"""The counter: an official claims for a resident who is there in person."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from admin.counter.models import CounterDay, CounterVisit
from admin.models import AuditEntry
from coupon_service.campaigns.models import Mode, Release
from coupon_service.core.auth import Kind
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.notices.models import Notice
from coupon_service.residents.models import PersonalDataRead, Resident
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.lists import id_number, known_person
from tests.factories.officials import Enrolled, make_official, signed_in_as
from tests.factories.residents import fresh_id_number, fresh_phone
from tests.harness.web import at_once
from tests.invariants import assert_invariants

VISITS = "/api/v1/office/counter/visits"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"counter_visits_per_day": 3, "counter_claims_per_day": 3})


@pytest.fixture
def small(held: Resources) -> SmallSeason:
    with transaction(held.sessions) as session:
        return make_season(session)


@pytest.fixture
def clerk(held: Resources, small: SmallSeason) -> Enrolled:
    return make_official(held, small.district.id)


@pytest.fixture
def official(app: OpenAPI, clerk: Enrolled) -> Iterator[FlaskClient]:
    return signed_in_as(app, clerk)


@pytest.fixture
def release(held: Resources, small: SmallSeason) -> Release:
    with transaction(held.sessions) as session:
        return make_release(session, make_campaign(session, small, per_person=2), mode=Mode.STAFF)


def begin(client: FlaskClient, number: str, *, phone: str | None = None) -> TestResponse:
    body = {"name": "张三丰", "id_number": number, "consents": True}
    return client.post(VISITS, json=body | ({"phone": phone} if phone else {}))


def claim(
    client: FlaskClient, visit: TestResponse, release: Release, *, ordinal: int = 1
) -> TestResponse:
    body = {"release_id": str(release.id), "ordinal": ordinal}
    return client.post(f"{VISITS}/{visit.json['visit_id']}/claims", json=body)


def vouchers(held: Resources) -> list[Voucher]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(Voucher).order_by(Voucher.ordinal)))


def day(held: Resources, clerk: Enrolled) -> tuple[int, int]:
    with transaction(held.sessions) as session:
        found = session.scalars(
            select(CounterDay).where(CounterDay.official_id == clerk.id)
        ).one_or_none()
        return (found.visits, found.claims) if found else (0, 0)


def actions(held: Resources) -> list[str]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def test_somebody_without_a_phone_is_registered_and_gets_a_voucher(
    held: Resources, official: FlaskClient, clerk: Enrolled, release: Release
) -> None:
    visit = begin(official, id_number())
    assert visit.status_code == 201, visit.json
    assert visit.json["name"] == "张**"
    (offer,) = visit.json["offers"]
    assert (offer["release_id"], offer["refusal"]) == (str(release.id), None)
    assert claim(official, visit, release).status_code == 201
    (voucher,) = vouchers(held)
    assert (voucher.claim_channel, voucher.assisted_by_id) == ("onsite", clerk.id)
    with transaction(held.sessions) as session:
        resident = session.scalars(select(Resident)).one()
        assert resident.phone_index is None
        assert voucher.resident_id == resident.id
        reads = session.scalars(select(PersonalDataRead)).all()
        assert [(one.resident_id, one.purpose) for one in reads] == [
            (resident.id, "counter-service")
        ]
        assert session.scalars(select(Notice)).all() == []
    assert actions(held) == ["counter.visit", "counter.claim"]
    assert day(held, clerk) == (1, 1)
    assert_invariants(held)


def test_the_same_claim_again_gives_the_same_voucher_and_counts_once(
    held: Resources, official: FlaskClient, clerk: Enrolled, release: Release
) -> None:
    visit = begin(official, id_number())
    first = claim(official, visit, release)
    again = claim(official, visit, release)
    assert (again.status_code, again.json["voucher_id"]) == (200, first.json["voucher_id"])
    assert claim(official, visit, release, ordinal=2).status_code == 201
    assert day(held, clerk) == (1, 2)
    refused = claim(official, visit, release, ordinal=3)
    assert (refused.status_code, refused.json["slug"]) == (409, "limit-reached")
    assert day(held, clerk) == (1, 2)
    assert actions(held).count("counter.claim") == 2
    assert len(vouchers(held)) == 2
    assert_invariants(held)


def test_a_resident_with_a_phone_is_found_and_told(
    held: Resources, official: FlaskClient, release: Release
) -> None:
    number, phone = id_number(), fresh_phone()
    with transaction(held.sessions) as session:
        resident_id = known_person(session, held, number)
    visit = begin(official, number, phone=phone)
    claim(official, visit, release)
    with transaction(held.sessions) as session:
        assert session.scalars(select(Resident)).one().id == resident_id
        (notice,) = session.scalars(select(Notice)).all()
        assert (notice.resident_id, notice.kind) == (resident_id, "staff_claimed")


def test_only_what_the_counter_claims_from_is_offered_each_with_the_reason_why_not(
    app: OpenAPI, held: Resources, small: SmallSeason, official: FlaskClient
) -> None:
    with transaction(held.sessions) as session:
        elders = make_campaign(session, small, name="敬老", eligibility={"min_age": 80})
        makers = {
            "everybody's, on site": make_release(session, make_campaign(session, small)),
            "for elders": make_release(session, elders, mode=Mode.STAFF),
            "sold out": make_release(
                session, make_campaign(session, small), quantity=1, mode=Mode.STAFF
            ),
        }
        other_ways = [
            make_release(session, make_campaign(session, small, claim_channels=["online"])),
            make_release(session, make_campaign(session, small), waiting_room=True),
            make_release(session, make_campaign(session, small), mode=Mode.GRANT),
            make_release(session, make_campaign(session, make_season(session)), mode=Mode.STAFF),
        ]
        later = make_release(
            session, make_campaign(session, small), mode=Mode.STAFF, opens_in=timedelta(hours=1)
        )
    assert claim(official, begin(official, id_number()), makers["sold out"]).status_code == 201
    visit = begin(official, id_number())
    found = {one["release_id"]: one["refusal"] for one in visit.json["offers"]}
    assert found == {
        str(makers["everybody's, on site"].id): None,
        str(makers["for elders"].id): "too-young",
        str(makers["sold out"].id): "sold-out",
    }
    before = len(vouchers(held))
    assert claim(official, visit, makers["for elders"]).json["slug"] == "too-young"
    assert claim(official, visit, later).json["slug"] == "not-open-yet"
    for release in other_ways:
        assert claim(official, visit, release).json["slug"] == "not-at-counter"
    assert len(vouchers(held)) == before
    assert_invariants(held)


def test_nothing_is_looked_up_without_consent_or_with_a_bad_number(
    held: Resources, official: FlaskClient, clerk: Enrolled
) -> None:
    good = {"name": "张三丰", "id_number": id_number(), "consents": "yes"}
    for change, sentence in (
        ({"consents": ""}, "请先确认居民本人在场"),
        ({"name": "1"}, "请填写与证件一致的姓名"),
        ({"id_number": good["id_number"][:17] + "A"}, "证件号码有误"),
        ({"phone": "123"}, "填写的内容有误"),
    ):
        answer = official.post("/admin/counter", data=good | change)
        assert answer.status_code == 400
        assert sentence in answer.text
    assert official.post(VISITS, json={**good, "consents": False}).status_code == 400
    with transaction(held.sessions) as session:
        assert session.scalars(select(Resident)).all() == []
        assert session.scalars(select(CounterVisit)).all() == []
    assert day(held, clerk) == (0, 0)


def test_a_number_known_under_another_name_is_refused_and_not_registered_again(
    held: Resources, official: FlaskClient, clerk: Enrolled
) -> None:
    number = id_number()
    with transaction(held.sessions) as session:
        known_person(session, held, number, name="李四")
    answer = begin(official, number)
    assert (answer.status_code, answer.json["slug"]) == (409, "real-name-refused")
    assert day(held, clerk) == (0, 0)
    assert actions(held) == []


def test_a_day_has_its_caps_however_many_windows_are_open(
    app: OpenAPI, held: Resources, official: FlaskClient, clerk: Enrolled, small: SmallSeason
) -> None:
    with transaction(held.sessions) as session:
        plenty = make_campaign(session, small, per_person=10)
        release = make_release(session, plenty, mode=Mode.STAFF)
    visit = begin(official, id_number())

    def press(n: int) -> int:
        window = app.test_client()
        window.set_cookie("coupon_office", official.get_cookie("coupon_office").value)  # type: ignore[union-attr]
        return claim(window, visit, release, ordinal=n + 1).status_code

    assert sorted(at_once(6, press)) == [201, 201, 201, 429, 429, 429]
    assert len(vouchers(held)) == 3
    for _ in range(2):
        assert begin(official, id_number()).status_code == 201
    refused = begin(official, id_number())
    assert (refused.status_code, refused.json["slug"]) == (429, "counter-day-full")
    assert day(held, clerk) == (3, 3)
    with transaction(held.sessions) as session:
        assert len(session.scalars(select(Resident)).all()) == 3
        session.execute(text("UPDATE counter_days SET day = day - 1"))
    assert begin(official, id_number()).status_code == 201
    assert_invariants(held)


def test_a_visit_ends_and_belongs_to_its_district(
    app: OpenAPI, held: Resources, official: FlaskClient, release: Release
) -> None:
    visit = begin(official, id_number())
    address = f"/admin/counter/{visit.json['visit_id']}"
    with transaction(held.sessions) as session:
        elsewhere = make_season(session).district.id
    stranger = signed_in_as(app, make_official(held, elsewhere))
    assert stranger.get(address).status_code == 404
    assert claim(stranger, visit, release).status_code == 404
    assert official.get(address).status_code == 200
    with transaction(held.sessions) as session:
        session.execute(
            text(
                "UPDATE counter_visits SET began_at = began_at - interval '31 minutes',"
                " ends_at = ends_at - interval '31 minutes'"
            )
        )
    assert official.get(address).status_code == 404
    assert claim(official, visit, release).json["slug"] == "visit-not-found"
    assert vouchers(held) == []


def test_an_auditor_sees_the_days_figures_and_serves_nobody(
    app: OpenAPI, held: Resources, official: FlaskClient, small: SmallSeason
) -> None:
    begin(official, id_number())
    auditor = signed_in_as(app, make_official(held, small.district.id, role=Kind.AUDITOR))
    page = auditor.get("/admin/counter")
    assert "王经办" in page.text
    assert "id_number" not in page.text
    assert begin(auditor, id_number()).status_code == 401


def test_the_page_claims_and_offers_the_paper(
    held: Resources, official: FlaskClient, release: Release
) -> None:
    number = id_number()
    spaced = f" {number[:6]} {number[6:]} "
    form = {"name": "张三丰", "id_number": spaced, "phone": "", "consents": "yes"}
    begun = official.post("/admin/counter", data=form)
    assert begun.status_code == 303
    page = official.get(begun.location).text
    assert number not in page
    assert "张三丰" not in page
    hidden = dict(re.findall(r'name="(release_id|ordinal)" value="([^"]+)"', page))
    assert hidden == {"release_id": str(release.id), "ordinal": "1"}
    claimed = official.post(begun.location, data=hidden)
    assert claimed.status_code == 303
    (voucher,) = vouchers(held)
    after = official.get(claimed.location).text
    assert f"/admin/paper/{voucher.id}" in after
    assert "刚刚领取" in after
    assert official.post(begun.location, data={"release_id": "x"}).status_code == 400
    assert_invariants(held)


def test_a_child_is_not_served_alone(
    held: Resources, official: FlaskClient, release: Release
) -> None:
    with transaction(held.sessions) as session:
        born_on = db_now(session).date() - timedelta(days=3_000)
    visit = begin(official, fresh_id_number(born_on))
    (offer,) = visit.json["offers"]
    assert offer["refusal"] in ("too-young", "guardian-needed")
    assert claim(official, visit, release).status_code == 409
    assert vouchers(held) == []
