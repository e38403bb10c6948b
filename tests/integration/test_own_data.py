"""My data: sign-ins, seeing, who looked, taking it along, leaving and coming back."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import LargeBinary, func, select, text
from structlog.testing import capture_logs

from coupon_service.core import auth
from coupon_service.core.auth import Kind
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.models import SignInSession
from coupon_service.core.resources import Resources
from coupon_service.residents.export import own_tables
from coupon_service.residents.jobs import forget_erased
from coupon_service.residents.models import Resident, ResidentKey
from coupon_service.residents.personal_data import unseal
from coupon_service.residents.record_read import record_read
from coupon_service.vouchers.models import Voucher, VoucherState
from tests.factories.campaigns import make_campaign, make_release, make_season, open_release
from tests.factories.family import HOUSEHOLD, adult, child_body, id_of
from tests.factories.people import make_resident
from tests.factories.residents import (
    REAL_NAME,
    fresh_id_number,
    fresh_phone,
    signed_in_browser,
)
from tests.harness.web import claim_path
from tests.invariants import assert_invariants

SIGN_INS = "/api/v1/me/sign-ins"
HTML = {"Accept": "text/html"}


def _claim(browser: FlaskClient, release_id: UUID) -> UUID:
    answer = browser.put(claim_path(release_id))
    assert answer.status_code == 201, answer.json
    return UUID(answer.get_json()["voucher_id"])


def _leave(browser: FlaskClient) -> None:
    asked = browser.post("/api/v1/me/erasure/codes")
    assert asked.status_code == 202, asked.json
    done = browser.post("/api/v1/me/erasure", json={"code": asked.get_json()["code"]})
    assert done.status_code == 204, done.json


def _stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no cookie is believed without its row: a minute later, in effect."""
    later = auth.time() + auth.FRESH_S + 1
    monkeypatch.setattr(auth, "time", lambda: later)


def test_every_browser_is_listed_by_the_name_it_gives_itself(app: OpenAPI) -> None:
    phone = fresh_phone()
    first = signed_in_browser(app, phone, verified=False)
    second = signed_in_browser(app, phone, verified=False)
    listed = second.get(SIGN_INS).get_json()["sign_ins"]
    assert [one["this_one"] for one in listed] == [True, False]
    assert [one["this_one"] for one in first.get(SIGN_INS).get_json()["sign_ins"]] == [False, True]


def test_a_stolen_session_is_ended_from_another_phone(
    app: OpenAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = fresh_phone()
    owner = signed_in_browser(app, phone, verified=False)
    thief = signed_in_browser(app, phone, verified=False)
    theirs = next(
        one["id"] for one in owner.get(SIGN_INS).get_json()["sign_ins"] if not one["this_one"]
    )
    assert owner.delete(f"{SIGN_INS}/{theirs}").status_code == 204
    assert owner.delete(f"{SIGN_INS}/{theirs}").status_code == 204
    _stale(monkeypatch)
    assert thief.get("/api/v1/me").status_code == 401
    assert owner.get("/api/v1/me").status_code == 200


def test_all_other_browsers_end_at_once_and_this_one_stays(
    app: OpenAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = fresh_phone()
    others = [signed_in_browser(app, phone, verified=False) for _ in range(3)]
    here = signed_in_browser(app, phone, verified=False)
    assert here.delete(SIGN_INS).status_code == 204
    _stale(monkeypatch)
    assert {one.get("/api/v1/me").status_code for one in others} == {401}
    assert here.get("/api/v1/me").status_code == 200


def test_somebody_elses_session_cannot_be_ended(app: OpenAPI, held: Resources) -> None:
    victim, stranger = adult(app), adult(app)
    theirs = victim.get(SIGN_INS).get_json()["sign_ins"][0]["id"]
    answer = stranger.delete(f"{SIGN_INS}/{theirs}")
    assert (answer.status_code, answer.get_json()["slug"]) == (404, "session-not-found")
    with transaction(held.sessions) as session:
        revoked = select(func.count(SignInSession.revoked_at))
        assert session.execute(revoked).scalar_one() == 0


def test_data_is_masked_until_asked_for_and_every_look_is_listed(
    app: OpenAPI, held: Resources
) -> None:
    phone = fresh_phone()
    browser = signed_in_browser(app, phone, verified=True)
    assert phone not in browser.get("/me/data").text
    with capture_logs() as lines:
        assert phone in browser.post("/me/data/reveal").text
    assert phone not in str(lines)
    with transaction(held.sessions) as session:
        record_read(
            session,
            id_of(browser),
            reader_kind=Kind.OFFICIAL,
            reader_id=new_id(),
            purpose="counter-service",
            now=db_now(session),
        )
    reads = browser.get("/api/v1/me/reads").get_json()["reads"]
    assert [(one["reader_kind"], one["purpose"]) for one in reads] == [
        ("official", "counter-service"),
        ("resident", "own-view"),
    ]
    page = browser.get("/me/data").text
    assert "工作人员 · 服务台为您办理领券" in page
    assert adult(app).get("/api/v1/me/reads").get_json()["reads"] == []


def test_the_export_has_everything_of_ones_own_and_nothing_of_others(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session)
    phone, number = fresh_phone(), fresh_id_number()
    browser = signed_in_browser(app, phone, verified=False)
    browser.post(REAL_NAME, json={"name": "张三丰", "id_number": number})
    browser.post(f"{HOUSEHOLD}/dependents", json=child_body())
    voucher_id = _claim(browser, release_id)
    other = adult(app)
    _claim(other, release_id)
    answer = browser.get("/api/v1/me/export")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    document = answer.get_json()
    profile = document["profile"]
    assert (profile["phone"], profile["name"], profile["id_number"]) == (phone, "张三丰", number)
    assert [one["id"] for one in document["vouchers"]] == [str(voucher_id)]
    assert document["vouchers"][0]["face_fen"] == 2_000
    assert document["vouchers"][0]["state"] == "issued"
    assert len(document["sign_ins"]) == 1
    assert len(document["household"]) == 1
    assert [one["purpose"] for one in document["personal_data_reads"]] == ["own-export"]
    assert str(id_of(other)) not in answer.text
    assert {table.name for table in own_tables()} <= set(document)


def test_no_secret_column_is_exported() -> None:
    for table in own_tables():
        for column in table.columns:
            secret = column.name.endswith(("_sealed", "_index", "_hash", "_key", "_secret"))
            assert not secret or isinstance(column.type, LargeBinary), f"{table.name}.{column.name}"


def test_leaving_destroys_the_key_voids_what_is_unused_and_keeps_the_accounts(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        release_id, other_release = open_release(session), open_release(session)
    phone, number = fresh_phone(), fresh_id_number()
    browser = signed_in_browser(app, phone, verified=False)
    browser.post(REAL_NAME, json={"name": "张三丰", "id_number": number})
    voucher_ids = [_claim(browser, one) for one in (release_id, other_release)]
    resident_id = id_of(browser)
    page = browser.get("/me/data/erase").text
    assert "2 张未使用的消费券，共 40 元" in page
    with capture_logs() as lines:
        _leave(browser)
    assert phone not in str(lines)
    assert browser.get("/api/v1/me").status_code == 401
    with transaction(held.sessions) as session:
        resident = session.get_one(Resident, resident_id)
        assert resident.erased_at is not None
        assert resident.id_number_index is not None
        clear = unseal(session, held.vault, resident_id)
        assert clear is not None
        assert (clear.phone, clear.name, clear.id_number) == (None, None, None)
        assert session.get(ResidentKey, resident_id) is None
        for one in voucher_ids:
            voucher = session.get_one(Voucher, one)
            assert (voucher.state, voucher.resident_id) == (VoucherState.VOID, resident_id)
    assert_invariants(held)


def test_leaving_asks_for_the_phone_and_a_wrong_code_changes_nothing(
    app: OpenAPI, held: Resources
) -> None:
    browser = adult(app)
    code = browser.post("/api/v1/me/erasure/codes").get_json()["code"]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    answer = browser.post("/api/v1/me/erasure", json={"code": wrong})
    assert (answer.status_code, answer.get_json()["slug"]) == (403, "wrong-code")
    assert browser.post("/api/v1/me/erasure", json={}).status_code == 400
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Resident.erased_at))).scalar_one() == 0
    assert browser.get("/api/v1/me").get_json()["verified"] is True


def test_whoever_comes_back_is_the_same_person_for_the_seasons_limits(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session)
    phone, number = fresh_phone(), fresh_id_number()
    body = {"name": "张三丰", "id_number": number}
    browser = signed_in_browser(app, phone, verified=False)
    browser.post(REAL_NAME, json=body)
    _claim(browser, release_id)
    before = id_of(browser)
    _leave(browser)
    again = signed_in_browser(app, phone, verified=False)
    assert id_of(again) != before
    assert again.post(REAL_NAME, json=body).status_code == 200
    assert id_of(again) == before
    me = again.get("/api/v1/me").get_json()
    assert (me["verified"], me["name"], me["phone"][-4:]) == (True, "张**", phone[-4:])
    claimed = again.put(claim_path(release_id))
    assert (claimed.status_code, claimed.get_json().get("repeated")) in {(200, True), (409, None)}
    assert_invariants(held)


def test_the_last_trace_goes_when_no_season_that_knew_them_is_running(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        make_season(session)
    browser = adult(app)
    resident_id = id_of(browser)
    _leave(browser)

    def trace() -> bytes | None:
        with transaction(held.sessions) as session:
            forget_erased(session)
            return session.get_one(Resident, resident_id).id_number_index

    assert trace() is not None
    with transaction(held.sessions) as session:
        session.execute(text("UPDATE seasons SET ends_at = clock_timestamp()"))
    assert trace() is None


def test_a_child_goes_with_its_only_guardian_and_stays_with_another(
    app: OpenAPI, held: Resources
) -> None:
    mother, father, widow = adult(app), adult(app), adult(app)
    shared, only = child_body(), child_body()
    mother.post(f"{HOUSEHOLD}/dependents", json=shared)
    father.post(f"{HOUSEHOLD}/dependents", json=shared)
    (asked,) = (
        one["proxy_id"]
        for one in mother.get(HOUSEHOLD).get_json()["ties"]
        if one["standing"] == "to_answer"
    )
    mother.post(f"{HOUSEHOLD}/proxies/{asked}/consent")
    widow.post(f"{HOUSEHOLD}/dependents", json=only)
    _leave(mother)
    _leave(widow)
    with transaction(held.sessions) as session:
        erased = session.execute(select(func.count(Resident.erased_at))).scalar_one()
    assert erased == 3  # two mothers and one child
    assert [one["standing"] for one in father.get(HOUSEHOLD).get_json()["ties"]] == ["acts_for"]
    assert_invariants(held)


def test_what_was_sealed_before_there_were_keys_of_ones_own_still_opens(held: Resources) -> None:
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
        assert session.get(ResidentKey, resident_id) is None
        found = unseal(session, held.vault, resident_id)
    assert found is not None
    assert found.name == "张三丰"
    assert "张三丰" not in repr(found)


def test_the_phones_erasing_pages_ask_twice_and_say_goodbye(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        make_release(session, make_campaign(session, make_season(session)))
    browser = adult(app)
    first = browser.get("/me/data/erase")
    assert "注销前请看清楚" in first.text
    second = browser.post("/me/data/erase/code", headers=HTML)
    assert "最后确认" in second.text
    wrong = browser.post("/me/data/erase", data={"code": "12"}, headers=HTML)
    assert wrong.status_code == 400
    code = second.text.partition("验证码是 ")[2][:6]
    done = browser.post("/me/data/erase", data={"code": code}, headers=HTML)
    assert (done.status_code, done.location) == (303, "/goodbye")
    assert "已彻底删除" in browser.get("/goodbye").text
