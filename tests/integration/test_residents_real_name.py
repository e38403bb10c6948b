from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.residents.models import Resident
from coupon_service.residents.personal_data import unseal
from tests.factories.residents import REAL_NAME, fresh_id_number, signed_in_browser
from tests.harness.web import claim_path

NUMBER = "11010519491231002X"
BODY = {"name": "张三丰", "id_number": NUMBER}


def _verified(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count(Resident.verified_at))).scalar_one()


def test_a_real_name_is_confirmed_sealed_and_shown_masked(app: OpenAPI, held: Resources) -> None:
    browser = signed_in_browser(app, verified=False)
    answer = browser.post(REAL_NAME, json=BODY)
    assert answer.status_code == 200
    me = browser.get("/api/v1/me").get_json()
    assert me == answer.get_json()
    assert (me["verified"], me["name"], me["id_number"]) == (True, "张**", "1****************X")
    with transaction(held.sessions) as session:
        stored = session.execute(select(Resident)).scalar_one()
        assert stored.born_on == date(1949, 12, 31)
        clear = unseal(session, held.vault, stored.id)
        assert clear is not None
        assert (clear.id_number, clear.name) == (NUMBER, "张三丰")
        assert (stored.id_kind, stored.area_code) == ("resident_id", "110105")
        row = session.execute(text("SELECT t::text FROM residents t")).scalar_one()
    for clear in (NUMBER, "张三丰"):
        assert clear not in row
        assert clear.encode().hex() not in row


def test_the_cookie_knows_the_real_name_at_once(app: OpenAPI) -> None:
    browser = signed_in_browser(app, verified=False)
    refused = browser.put(claim_path(UUID(int=0)))
    assert refused.get_json()["slug"] == "real-name-needed"
    browser.post(REAL_NAME, json=BODY)
    later = browser.put(claim_path(UUID(int=0)))
    assert later.get_json()["slug"] != "real-name-needed"


def test_saying_the_same_number_again_is_harmless(app: OpenAPI) -> None:
    browser = signed_in_browser(app, verified=False)
    assert browser.post(REAL_NAME, json=BODY).status_code == 200
    in_old_form = {"name": "张三丰", "id_number": "110105491231002"}
    assert browser.post(REAL_NAME, json=in_old_form).status_code == 200


def test_a_number_belongs_to_one_resident_in_every_spelling(app: OpenAPI, held: Resources) -> None:
    signed_in_browser(app, verified=False).post(REAL_NAME, json=BODY)
    second = signed_in_browser(app, verified=False)
    for spelling in (NUMBER, NUMBER.lower(), "110105491231002"):
        answer = second.post(REAL_NAME, json={"name": "李四", "id_number": spelling})
        assert (answer.status_code, answer.get_json()["slug"]) == (409, "real-name-refused")
    assert second.get("/api/v1/me").get_json()["verified"] is False
    assert _verified(held) == 1


def test_a_refusal_does_not_tell_whose_number_it_is(app: OpenAPI) -> None:
    """The number of another, and another number for oneself, are refused in the same words."""
    signed_in_browser(app, verified=False).post(REAL_NAME, json=BODY)
    taken = signed_in_browser(app, verified=False).post(REAL_NAME, json=BODY).get_json()
    settled = signed_in_browser(app, verified=True)
    changed = settled.post(
        REAL_NAME, json={"name": "张三丰", "id_number": fresh_id_number(date(1970, 1, 1))}
    ).get_json()
    for answer in (taken, changed):
        del answer["request_id"]
    assert taken == changed


def test_two_residents_at_once_cannot_share_a_number(app: OpenAPI, held: Resources) -> None:
    browsers = [signed_in_browser(app, verified=False) for _ in range(6)]
    with ThreadPoolExecutor(6) as crowd:
        tries = [crowd.submit(browser.post, REAL_NAME, json=BODY) for browser in browsers]
        statuses = sorted(one.result().status_code for one in tries)
    assert statuses == [200, 409, 409, 409, 409, 409]
    assert _verified(held) == 1


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"name": "张三", "id_number": "110105194912310021"}, "invalid-id-number"),
        ({"name": "张三", "id_number": "1" * 18}, "invalid-id-number"),
        ({"name": "=cmd", "id_number": NUMBER}, "invalid-name"),
        ({"name": "张三", "id_number": "abc"}, "invalid-request"),
        ({"name": "张三", "id_number": "E12345678", "kind": "passport"}, "birth-date-needed"),
        ({"name": "张三", "id_number": NUMBER, "kind": "library_card"}, "invalid-request"),
        (
            {"name": "张三", "id_number": "E12345678", "kind": "passport", "born_on": "2999-01-01"},
            "invalid-birth-date",
        ),
        ({"name": "张三", "id_number": NUMBER + "0" * 1000}, "invalid-request"),
        ({"name": "张" * 61, "id_number": NUMBER}, "invalid-request"),
        ({"name": "张三", "id_number": NUMBER, "verified": True}, "invalid-request"),
        ({"name": "张三"}, "invalid-request"),
    ],
)
def test_bad_input_is_refused_without_being_repeated_or_logged(
    app: OpenAPI, held: Resources, body: dict[str, object], slug: str
) -> None:
    browser = signed_in_browser(app, verified=False)
    with capture_logs() as lines:
        answer = browser.post(REAL_NAME, json=body)
    assert (answer.status_code, answer.get_json()["slug"]) == (400, slug)
    assert str(body.get("id_number", "张三")) not in answer.text + str(lines)
    assert _verified(held) == 0


def test_a_person_with_a_passport_is_one_person_in_every_spelling(
    app: OpenAPI, held: Resources
) -> None:
    body = {"name": "John Smith", "kind": "passport", "born_on": "1990-02-28"}
    first, second = (signed_in_browser(app, verified=False) for _ in range(2))
    assert first.post(REAL_NAME, json={**body, "id_number": "EA1234567"}).status_code == 200
    me = first.get("/api/v1/me").get_json()
    assert (me["name"], me["id_number"]) == ("J**", "E*******7")
    refused = second.post(REAL_NAME, json={**body, "id_number": "ea123-4567"})
    assert (refused.status_code, refused.get_json()["slug"]) == (409, "real-name-refused")
    assert _verified(held) == 1
