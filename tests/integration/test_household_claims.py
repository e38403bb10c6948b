"""Claiming and showing for the family, by the API, by forms alone, and at the counter."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID

from flask import Response
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select

from coupon_service.core.auth import Kind, Principal, start_session
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.residents.household import acting_for
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.family import (
    HOUSEHOLD,
    adult,
    child_body,
    id_of,
    join,
    proxy_id,
)
from tests.factories.lists import make_visit
from tests.factories.officials import make_official
from tests.factories.residents import fresh_id_number, signed_in_browser
from tests.harness.web import claim_path
from tests.invariants import assert_invariants

HTML = {"Accept": "text/html"}
FOR_ALL_AGES = {"min_age": 0}


def _release(held: Resources, **terms: object) -> UUID:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session), **terms)  # type: ignore[arg-type]
        return make_release(session, campaign).id


def _claim(browser: FlaskClient, person: UUID, release_id: UUID, **body: object) -> object:
    return browser.post(f"{HOUSEHOLD}/{person}/releases/{release_id}/claims", json=body)


def _status(answer: object) -> tuple[int, str | None]:
    return answer.status_code, answer.get_json().get("slug")  # type: ignore[attr-defined]


def _vouchers(held: Resources) -> list[tuple[UUID, UUID | None]]:
    with transaction(held.sessions) as session:
        rows = session.execute(select(Voucher.resident_id, Voucher.claimed_by_id))
        return [(row[0], row[1]) for row in rows]


def _child(held: Resources, guardian: FlaskClient) -> UUID:
    guardian.post(f"{HOUSEHOLD}/dependents", json=child_body())
    with transaction(held.sessions) as session:
        (child,) = acting_for(session, held.vault, id_of(guardian))
    return child.id


def test_a_claim_for_a_relative_counts_against_them_and_says_who_pressed(
    app: OpenAPI, held: Resources
) -> None:
    daughter, mother = adult(app), adult(app)
    join(daughter, mother)
    release_id = _release(held)
    first = _claim(daughter, id_of(mother), release_id)
    assert first.status_code == 201  # type: ignore[attr-defined]
    again = _claim(daughter, id_of(mother), release_id)
    assert (again.status_code, again.get_json()["repeated"]) == (200, True)  # type: ignore[attr-defined]
    own = mother.put(claim_path(release_id))
    assert (own.status_code, own.get_json()["repeated"]) == (200, True)
    assert _vouchers(held) == [(id_of(mother), id_of(daughter))]
    voucher_id = first.get_json()["voucher_id"]  # type: ignore[attr-defined]
    listed = daughter.get(f"{HOUSEHOLD}/{id_of(mother)}/vouchers").get_json()["vouchers"]
    assert [one["voucher_id"] for one in listed] == [voucher_id]
    assert daughter.get(f"/api/v1/vouchers/{voucher_id}").status_code == 200
    assert_invariants(held)


def test_a_guardian_claims_for_a_child_where_children_are_meant(
    app: OpenAPI, held: Resources
) -> None:
    father = adult(app)
    child = _child(held, father)
    refused = _claim(father, child, _release(held))
    assert refused.status_code == 409  # type: ignore[attr-defined]
    assert _claim(father, child, _release(held, eligibility=FOR_ALL_AGES)).status_code == 201  # type: ignore[attr-defined]
    assert _vouchers(held) == [(child, id_of(father))]
    assert_invariants(held)


def test_nobody_else_claims_sees_or_shows(app: OpenAPI, held: Resources) -> None:
    daughter, mother, stranger = adult(app), adult(app), adult(app)
    join(daughter, mother)
    release_id = _release(held)
    voucher_id = _claim(daughter, id_of(mother), release_id).get_json()["voucher_id"]  # type: ignore[attr-defined]
    for browser, person in ((stranger, id_of(mother)), (mother, id_of(daughter))):
        assert _status(_claim(browser, person, release_id)) == (404, "not-your-family")
        assert browser.get(f"{HOUSEHOLD}/{person}/vouchers").status_code == 404
        assert browser.get(f"/household/{person}", headers=HTML).status_code == 404
        page = browser.post(f"/household/{person}/claim/{release_id}", headers=HTML)
        assert page.status_code == 404
    assert stranger.get(f"/api/v1/vouchers/{voucher_id}").status_code == 404
    assert len(_vouchers(held)) == 1


def test_what_is_ended_is_over_at_once(app: OpenAPI, held: Resources) -> None:
    daughter, mother = adult(app), adult(app)
    join(daughter, mother)
    release_id = _release(held)
    voucher_id = _claim(daughter, id_of(mother), release_id).get_json()["voucher_id"]  # type: ignore[attr-defined]
    mother.delete(f"{HOUSEHOLD}/proxies/{proxy_id(mother)}")
    assert _status(_claim(daughter, id_of(mother), _release(held))) == (404, "not-your-family")
    assert daughter.get(f"/api/v1/vouchers/{voucher_id}").status_code == 404
    assert mother.get(f"/api/v1/vouchers/{voucher_id}").status_code == 200
    assert len(_vouchers(held)) == 1


def test_two_agents_and_the_person_at_once_get_one_voucher(app: OpenAPI, held: Resources) -> None:
    mother = adult(app)
    agents = [adult(app), adult(app)]
    for agent in agents:
        join(agent, mother)
    person, release_id = id_of(mother), _release(held)
    with ThreadPoolExecutor(5) as crowd:
        tries = [crowd.submit(_claim, agent, person, release_id) for agent in agents * 2]
        own = crowd.submit(mother.put, claim_path(release_id))
        statuses = {one.result().status_code for one in [*tries, own]}  # type: ignore[attr-defined]
    assert statuses == {200, 201}
    assert len(_vouchers(held)) == 1
    assert_invariants(held)


def test_a_family_claims_by_forms_alone(app: OpenAPI, held: Resources) -> None:
    mother = adult(app)
    release_id = _release(held, name="儿童剧场券", eligibility=FOR_ALL_AGES)
    _release(held, name="成人券")
    form = {"name": "张小宝", "id_number": str(child_body()["id_number"])}
    refused = mother.post("/household/add/child", data=form)
    assert refused.status_code == 400
    assert "请先阅读并勾选声明" in refused.text
    added = mother.post("/household/add/child", data={**form, "declared": "yes"})
    assert added.location == "/household?done=added"
    page = mother.get(added.location).text
    assert "已添加" in page
    person = re.findall(r'href="(/household/[0-9a-f-]{36})"', page)[0]
    wallet = mother.get(person).text
    assert ("儿童剧场券" in wallet, "成人券" in wallet) == (True, False)
    chosen = mother.get(f"/household/claim/{release_id}").text
    assert f'action="{person}/claim/{release_id}"' in chosen
    claimed = mother.post(f"{person}/claim/{release_id}", headers=HTML)
    assert claimed.status_code == 303
    assert "领取成功" in mother.get(claimed.location).text
    assert "/vouchers/" in mother.get(person).text
    over = mother.post(f"{person}/claim/{release_id}", data={"ordinal": "2"}, headers=HTML)
    assert over.status_code == 409
    assert len(_vouchers(held)) == 1


def test_an_invitation_is_taken_up_by_forms_alone(app: OpenAPI, held: Resources) -> None:
    mother, daughter = adult(app), adult(app)
    shown = mother.post("/household/invite", data={"role": "principal"}).text
    digits = re.findall(r"\d{3} \d{3} \d{4}", shown)[0]
    bad = daughter.post("/household/join", data={"code": "12"})
    assert bad.status_code == 400
    agree = daughter.post("/household/join", data={"code": digits}).text
    assert "张** 请您代为领券和出示" in agree
    done = daughter.post("/household/join/agree", data={"code": digits})
    assert done.location == "/household?done=joined"
    assert "我替家人办" in daughter.get("/household").text
    ended = mother.post(f"/household/proxies/{proxy_id(mother)}/end")
    assert ended.location == "/household?done=ended"
    assert "还没有添加家人" in mother.get("/household").text


def test_whoever_has_no_real_name_is_led_to_it_first(app: OpenAPI) -> None:
    door = signed_in_browser(app, verified=False).get("/household", headers=HTML)
    assert (door.status_code, door.location) == (303, "/real-name?next=%2Fhousehold")


def test_an_official_confirms_a_carer_with_the_elder_in_front_of_them(
    app: OpenAPI, held: Resources
) -> None:
    son = adult(app)
    number = fresh_id_number(date(1944, 5, 6))
    body = {"relation": "carer", "name": "张老太", "id_number": number}
    son.post(f"{HOUSEHOLD}/dependents", json=body)
    tie = son.get(HOUSEHOLD).get_json()["ties"][0]
    with transaction(held.sessions) as session:
        district_id = make_season(session).district.id
    official = make_official(held, district_id)
    office = _office(app, held, official.id, district_id)
    with transaction(held.sessions) as session:
        visits = [
            make_visit(
                session, district_id=district_id, official_id=official.id, resident_id=visitor
            )
            for visitor in (UUID(tie["other_id"]), id_of(son))
        ]
    assert "家人代办，等本人确认" in office.get(f"/admin/counter/{visits[0]}").text
    assert "家人代办，等本人确认" not in office.get(f"/admin/counter/{visits[1]}").text
    address = "/admin/counter/{}/carers/{}"
    wrong_visit = office.post(address.format(visits[1], tie["proxy_id"]))
    assert wrong_visit.status_code == 409
    assert office.post(address.format(visits[0], tie["proxy_id"])).status_code == 303
    assert son.get(HOUSEHOLD).get_json()["ties"][0]["standing"] == "acts_for"
    again = office.post(address.format(visits[0], tie["proxy_id"]))
    assert again.status_code == 409
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count()).select_from(Voucher)).scalar_one() == 0
    assert_invariants(held)


def _office(app: OpenAPI, held: Resources, official_id: UUID, district_id: UUID) -> FlaskClient:
    response = Response()
    who = Principal(Kind.OFFICIAL, official_id, district_id=district_id)
    with app.test_request_context(), transaction(held.sessions) as session:
        start_session(session, who, response)
    browser = app.test_client()
    name, _, value = response.headers["Set-Cookie"].partition(";")[0].partition("=")
    browser.set_cookie(name, value)
    return browser
