"""Families: asking, agreeing, ending; and who may act when."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, text, update
from structlog.testing import capture_logs

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.residents.answer_request import confirm_at_counter, waiting_at_counter
from coupon_service.residents.errors import ProxyNotFoundError, RealNameRefusedError
from coupon_service.residents.household import PRINCIPALS_MAX, acting_for, may_act_for
from coupon_service.residents.jobs import end_guardianships, forget_codes
from coupon_service.residents.models import Proxy, ProxyState, Relation, Resident
from coupon_service.residents.register_at_counter import register_at_counter
from tests.factories.family import (
    HOUSEHOLD,
    adult,
    child_body,
    child_born_on,
    id_of,
    invitation,
    join,
    proxy_id,
    teenager,
    ties,
    wrong_code,
)
from tests.factories.residents import REAL_NAME, fresh_id_number, fresh_phone, signed_in_browser
from tests.invariants import assert_invariants

ELDER_BORN = date(1945, 3, 8)


def _proxies(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(
            select(func.count()).select_from(Proxy).where(Proxy.withdrawn_at.is_(None))
        ).scalar_one()


def _residents(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(Resident)).scalar_one()


def _may(held: Resources, agent: FlaskClient, principal_id: UUID) -> Relation | None:
    with transaction(held.sessions) as session:
        return may_act_for(session, id_of(agent), principal_id)


def _slug(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["slug"]  # type: ignore[attr-defined]


def _add(browser: FlaskClient, body: dict[str, object]) -> object:
    return browser.post(f"{HOUSEHOLD}/dependents", json=body)


def _child_id(held: Resources, guardian: FlaskClient) -> UUID:
    with transaction(held.sessions) as session:
        (child,) = acting_for(session, held.vault, id_of(guardian))
    return child.id


def test_two_adults_become_a_household_when_both_have_agreed(app: OpenAPI, held: Resources) -> None:
    mother, daughter = adult(app), adult(app)
    code = invitation(mother, "principal")
    looked = daughter.post(f"{HOUSEHOLD}/invitations/look", json={"code": code}).get_json()
    assert looked == {"asker": "张**", "role": "principal"}
    assert _may(held, daughter, id_of(mother)) is None
    assert ties(mother) == [("invited", "relative")]
    assert daughter.post(f"{HOUSEHOLD}/invitations/accept", json={"code": code}).status_code == 204
    assert _may(held, daughter, id_of(mother)) is Relation.RELATIVE
    assert _may(held, mother, id_of(daughter)) is None
    assert (ties(mother), ties(daughter)) == (
        [("acted_for", "relative")],
        [("acts_for", "relative")],
    )
    assert_invariants(held)


def test_either_side_may_invite_and_either_may_end_it(app: OpenAPI, held: Resources) -> None:
    for ends in (0, 1):
        agent, principal = pair = adult(app), adult(app)
        code = invitation(agent, "agent")
        principal.post(f"{HOUSEHOLD}/invitations/accept", json={"code": code})
        assert _may(held, agent, id_of(principal)) is Relation.RELATIVE
        ended = pair[ends].delete(f"{HOUSEHOLD}/proxies/{proxy_id(pair[ends])}")
        assert ended.status_code == 204
        assert _may(held, agent, id_of(principal)) is None
        assert ties(agent) == ties(principal) == []
    assert_invariants(held)


def test_an_invitation_is_good_once_for_a_day_and_not_for_oneself(
    app: OpenAPI, held: Resources
) -> None:
    asker, relative, late = adult(app), adult(app), adult(app)
    code = invitation(asker, "principal")
    body = {"code": code}
    accept = f"{HOUSEHOLD}/invitations/accept"
    assert _slug(asker.post(accept, json=body)) == (409, "own-invitation")
    assert _slug(relative.post(accept, json={"code": wrong_code(code)})) == (
        404,
        "invitation-unknown",
    )
    assert relative.post(accept, json=body).status_code == 204
    assert _slug(late.post(accept, json=body)) == (404, "invitation-unknown")
    overdue = {"code": invitation(asker, "principal")}
    with transaction(held.sessions) as session:
        session.execute(
            update(Proxy).where(Proxy.state == "asked").values(expires_at=db_now(session))
        )
    assert _slug(late.post(accept, json=overdue)) == (404, "invitation-unknown")
    with transaction(held.sessions) as session:
        forget_codes(session)
    assert _proxies(held) == 1


def test_of_many_who_take_up_one_invitation_at_once_one_gets_it(
    app: OpenAPI, held: Resources
) -> None:
    body = {"code": invitation(adult(app), "principal")}
    crowd = [adult(app) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        tries = [
            pool.submit(one.post, f"{HOUSEHOLD}/invitations/accept", json=body) for one in crowd
        ]
        statuses = sorted(one.result().status_code for one in tries)
    assert statuses == [204, 404, 404, 404, 404]
    assert _proxies(held) == 1
    assert_invariants(held)


def test_an_agent_acts_for_so_many_and_no_more_even_at_once(app: OpenAPI, held: Resources) -> None:
    agent = adult(app)
    codes = [invitation(adult(app), "principal") for _ in range(PRINCIPALS_MAX + 2)]
    accept = f"{HOUSEHOLD}/invitations/accept"
    cookie = agent.get_cookie("coupon_resident")
    assert cookie is not None
    headers = {"Cookie": f"coupon_resident={cookie.value}"}

    def take_up(code: str) -> int:
        plain = app.test_client(use_cookies=False)
        return plain.post(accept, json={"code": code}, headers=headers).status_code

    with ThreadPoolExecutor(len(codes)) as pool:
        statuses = sorted(pool.map(take_up, codes))
    assert statuses == [204] * PRINCIPALS_MAX + [409, 409]
    assert_invariants(held)


def test_a_child_is_the_guardians_at_once(app: OpenAPI, held: Resources) -> None:
    father = adult(app)
    answer = _add(father, child_body())
    assert (answer.status_code, answer.get_json()) == (201, {"state": "live"})  # type: ignore[attr-defined]
    assert _may(held, father, _child_id(held, father)) is Relation.GUARDIAN
    with transaction(held.sessions) as session:
        child = session.get_one(Resident, _child_id(held, father))
        assert (child.phone_sealed, child.verified_at is None) == (None, False)
    shown = father.get(HOUSEHOLD).get_json()["ties"][0]
    assert shown["other"] == "张**"
    assert_invariants(held)


def test_a_second_guardian_needs_the_first_ones_word_and_there_is_no_third(
    app: OpenAPI, held: Resources
) -> None:
    mother, father, uncle = adult(app), adult(app), adult(app)
    body = child_body()
    _add(mother, body)
    child_id = _child_id(held, mother)
    assert _add(father, body).get_json() == {"state": "asked"}  # type: ignore[attr-defined]
    assert _may(held, father, child_id) is None
    assert _slug(_add(uncle, body)) == (409, "too-many-guardians")
    asked = proxy_id(father)
    assert _slug(uncle.post(f"{HOUSEHOLD}/proxies/{asked}/consent")) == (404, "proxy-not-found")
    assert _slug(father.post(f"{HOUSEHOLD}/proxies/{asked}/consent")) == (404, "proxy-not-found")
    assert ("to_answer", "guardian") in ties(mother)
    assert mother.post(f"{HOUSEHOLD}/proxies/{asked}/consent").status_code == 204
    assert _may(held, father, child_id) is Relation.GUARDIAN
    assert _slug(_add(father, body)) == (409, "too-many-guardians")
    assert_invariants(held)


def test_a_child_with_a_phone_of_its_own_is_asked_itself(app: OpenAPI, held: Resources) -> None:
    mother, child = adult(app), teenager(app)
    code = invitation(child, "principal")
    assert mother.post(f"{HOUSEHOLD}/invitations/accept", json={"code": code}).status_code == 204
    assert _may(held, mother, id_of(child)) is Relation.GUARDIAN
    assert _slug(child.post(f"{HOUSEHOLD}/invitations", json={"role": "agent"})) == (
        409,
        "not-an-adult",
    )


def test_a_guardian_who_knows_the_number_of_a_child_with_a_phone_only_asks(
    app: OpenAPI, held: Resources
) -> None:
    number = fresh_id_number(child_born_on(15))
    child = signed_in_browser(app, verified=False)
    child.post(REAL_NAME, json={"name": "张小青", "id_number": number})
    stranger = adult(app)
    assert _add(stranger, child_body(number, "张小青")).get_json() == {"state": "asked"}  # type: ignore[attr-defined]
    assert _may(held, stranger, id_of(child)) is None
    declined = child.delete(f"{HOUSEHOLD}/proxies/{proxy_id(child)}")
    assert declined.status_code == 204
    assert ties(stranger) == []


def test_a_number_under_another_name_adds_nobody_and_tells_nothing(
    app: OpenAPI, held: Resources
) -> None:
    first, second = adult(app), adult(app)
    body = child_body()
    _add(first, body)
    before = (_proxies(held), _residents(held))
    with capture_logs() as lines:
        refused = _add(second, {**body, "name": "李小宝"})
    assert _slug(refused) == (409, "family-refused")
    assert str(body["id_number"]) not in str(lines) + refused.text  # type: ignore[attr-defined]
    assert (_proxies(held), _residents(held)) == before


@pytest.mark.parametrize(
    ("relation", "born_on", "slug"),
    [
        ("guardian", date(1980, 1, 1), "not-a-child"),
        ("carer", child_born_on(), "still-a-child"),
        ("relative", child_born_on(), "invalid-request"),
    ],
)
def test_the_relation_must_fit_the_age(
    app: OpenAPI, held: Resources, relation: str, born_on: date, slug: str
) -> None:
    body = {"relation": relation, "name": "张小宝", "id_number": fresh_id_number(born_on)}
    browser = adult(app)
    before = _residents(held)
    assert _slug(_add(browser, body))[1] == slug
    assert (_proxies(held), _residents(held)) == (0, before)


def test_only_an_adult_with_a_real_name_acts_for_others(app: OpenAPI, held: Resources) -> None:
    assert _slug(_add(signed_in_browser(app, verified=False), child_body())) == (
        403,
        "real-name-needed",
    )
    assert _slug(_add(teenager(app), child_body())) == (409, "not-an-adult")
    assert _proxies(held) == 0


def test_a_guardianship_ends_on_the_childs_eighteenth_birthday(
    app: OpenAPI, held: Resources
) -> None:
    mother = adult(app)
    _add(mother, child_body())
    child_id = _child_id(held, mother)
    with transaction(held.sessions) as session:
        born_on = session.get_one(Resident, child_id).born_on
        assert born_on is not None
        eighteen = update(Resident).where(Resident.id == child_id)
        session.execute(eighteen.values(born_on=child_born_on(18)))
    assert _may(held, mother, child_id) is None
    assert ties(mother) == []
    with transaction(held.sessions) as session:
        end_guardianships(session)
    assert _proxies(held) == 0


def test_an_elder_without_a_phone_is_confirmed_at_a_counter(app: OpenAPI, held: Resources) -> None:
    son, official = adult(app), new_id()
    number = fresh_id_number(ELDER_BORN)
    body = {"relation": "carer", "name": "张老太", "id_number": number}
    assert _add(son, body).get_json() == {"state": "asked"}  # type: ignore[attr-defined]
    with transaction(held.sessions) as session:
        elder_id = register_at_counter(session, held.vault, "张老太", number, None, db_now(session))
        assert may_act_for(session, id_of(son), elder_id) is None
        (waiting,) = waiting_at_counter(session, elder_id)
        confirm_at_counter(session, waiting.id, official, now=db_now(session))
    assert _may(held, son, elder_id) is Relation.CARER
    with transaction(held.sessions) as session:
        assert session.get_one(Proxy, waiting.id).confirmed_by == official
        with pytest.raises(ProxyNotFoundError):
            confirm_at_counter(session, waiting.id, official, now=db_now(session))
    assert_invariants(held)


def test_a_guardians_request_is_not_a_counters_to_confirm(app: OpenAPI, held: Resources) -> None:
    mother, father = adult(app), adult(app)
    body = child_body()
    _add(mother, body)
    _add(father, body)
    with transaction(held.sessions) as session, pytest.raises(ProxyNotFoundError):
        confirm_at_counter(session, UUID(proxy_id(father)), new_id(), now=db_now(session))
    assert _may(held, father, _child_id(held, mother)) is None


def test_registering_at_a_counter_finds_the_person_again_but_not_under_another_name(
    app: OpenAPI, held: Resources
) -> None:
    number, phone = fresh_id_number(ELDER_BORN), fresh_phone()
    with transaction(held.sessions) as session:
        now = db_now(session)
        first = register_at_counter(session, held.vault, "张老太", number, None, now)
        again = register_at_counter(session, held.vault, " 张老太 ", number, phone, now)
        assert first == again
    with pytest.raises(RealNameRefusedError), transaction(held.sessions) as session:
        register_at_counter(session, held.vault, "李老太", number, None, db_now(session))
    other = fresh_id_number(ELDER_BORN)
    with pytest.raises(RealNameRefusedError), transaction(held.sessions) as session:
        register_at_counter(session, held.vault, "李老太", other, phone, db_now(session))
    assert _residents(held) == 1
    browser = signed_in_browser(app, phone, verified=False)
    assert id_of(browser) == first
    assert browser.get("/api/v1/me").get_json()["verified"] is True


def test_a_child_that_gets_a_phone_stays_the_same_person_with_the_same_guardian(
    app: OpenAPI, held: Resources
) -> None:
    mother = adult(app)
    number = fresh_id_number(child_born_on(14))
    _add(mother, child_body(number))
    child_id = _child_id(held, mother)
    browser = signed_in_browser(app, verified=False)
    newcomer_id = id_of(browser)
    refused = browser.post(REAL_NAME, json={"name": "李小宝", "id_number": number})
    assert _slug(refused) == (409, "real-name-refused")
    assert id_of(browser) == newcomer_id
    answer = browser.post(REAL_NAME, json={"name": "张小宝", "id_number": number})
    assert (answer.status_code, answer.get_json()["resident_id"]) == (200, str(child_id))
    assert id_of(browser) == child_id
    assert _may(held, mother, child_id) is Relation.GUARDIAN
    with transaction(held.sessions) as session:
        assert session.get_one(Resident, newcomer_id).erased_at is not None
    assert_invariants(held)


def test_nobody_can_keep_a_person_out_by_adding_them_under_a_wrong_name(
    app: OpenAPI, held: Resources
) -> None:
    number = fresh_id_number(ELDER_BORN)
    body = {"relation": "carer", "name": "李老太", "id_number": number}
    assert _add(adult(app), body).get_json() == {"state": "asked"}  # type: ignore[attr-defined]
    herself = signed_in_browser(app, verified=False)
    answer = herself.post(REAL_NAME, json={"name": "张老太", "id_number": number})
    assert (answer.status_code, answer.get_json()["name"]) == (200, "张**")
    assert ties(herself) == [("to_answer", "carer")]
    assert_invariants(held)


def test_somebody_who_adds_and_removes_people_all_year_is_stopped(
    app: OpenAPI, held: Resources
) -> None:
    browser = adult(app)
    for _ in range(2 * PRINCIPALS_MAX):
        assert _add(browser, child_body()).status_code == 201  # type: ignore[attr-defined]
        browser.delete(f"{HOUSEHOLD}/proxies/{proxy_id(browser)}")
    assert _slug(_add(browser, child_body())) == (409, "too-many-principals")
    with transaction(held.sessions) as session:
        session.execute(update(Proxy).values(asked_at=Proxy.asked_at - timedelta(days=366)))
    assert _add(browser, child_body()).status_code == 201  # type: ignore[attr-defined]


def test_a_stranger_can_neither_see_nor_touch_a_household(app: OpenAPI, held: Resources) -> None:
    mother, daughter, stranger = adult(app), adult(app), adult(app)
    join(daughter, mother)
    proxy = proxy_id(mother)
    for answer in (
        stranger.delete(f"{HOUSEHOLD}/proxies/{proxy}"),
        stranger.post(f"{HOUSEHOLD}/proxies/{proxy}/consent"),
        stranger.delete(f"{HOUSEHOLD}/proxies/{uuid4()}"),
    ):
        assert _slug(answer) == (404, "proxy-not-found")
    assert ties(stranger) == []
    assert _may(held, daughter, id_of(mother)) is Relation.RELATIVE


def test_no_code_and_no_name_is_stored_in_clear(app: OpenAPI, held: Resources) -> None:
    mother = adult(app)
    code = invitation(mother, "principal")
    body = child_body()
    _add(mother, body)
    with transaction(held.sessions) as session:
        for table in ("residents", "resident_keys", "proxies", "outbox"):
            rows = str(session.execute(text(f"SELECT t::text FROM {table} t")).scalars().all())
            for clear in (code, str(body["id_number"]), "张小宝"):
                assert clear not in rows
                assert clear.encode().hex() not in rows
        states = set(session.scalars(select(Proxy.state)))
    assert states == {ProxyState.ASKED, ProxyState.LIVE}
