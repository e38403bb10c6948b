from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, text, update
from structlog.testing import capture_logs

from coupon_service.core.db import transaction
from coupon_service.core.models import SignInSession
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Environment, Settings, SettingsError, load_settings
from coupon_service.entrypoints.app import create_app
from coupon_service.residents.check_code import GUESSES_MAX
from coupon_service.residents.jobs import forget_codes
from coupon_service.residents.models import Resident, SignInCode
from coupon_service.residents.request_code import CODES_PER_PHONE_H
from coupon_service.residents.sender import LogSender
from tests.factories.residents import CODES, SIGN_IN, fresh_phone, get_code, signed_in_browser

PHONE = "13800138000"
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def _count(held: Resources, model: type[Resident | SignInSession | SignInCode]) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def test_a_new_phone_signs_in_and_becomes_a_resident(client: FlaskClient, held: Resources) -> None:
    answer = client.post(SIGN_IN, json={"phone": PHONE, "code": get_code(client, PHONE)})
    assert answer.status_code == 200
    assert answer.get_json()["verified"] is False
    me = client.get("/api/v1/me").get_json()
    assert me["resident_id"] == answer.get_json()["resident_id"]
    assert me["phone"] == "138****8000"
    assert _count(held, Resident) == 1


def test_the_same_phone_is_the_same_resident_on_every_browser(app: OpenAPI) -> None:
    ids = {
        signed_in_browser(app, PHONE, verified=False).get("/api/v1/me").get_json()["resident_id"]
        for _ in range(2)
    }
    assert len(ids) == 1


def test_a_wrong_code_signs_nobody_in(client: FlaskClient, held: Resources) -> None:
    code = get_code(client, PHONE)
    answer = client.post(SIGN_IN, json={"phone": PHONE, "code": _wrong(code)})
    assert (answer.status_code, answer.get_json()["slug"]) == (403, "wrong-code")
    assert client.get("/api/v1/me").status_code == 401
    assert _count(held, Resident) == _count(held, SignInSession) == 0


def test_a_code_is_good_once(client: FlaskClient) -> None:
    body = {"phone": PHONE, "code": get_code(client, PHONE)}
    assert client.post(SIGN_IN, json=body).status_code == 200
    assert client.post(SIGN_IN, json=body).status_code == 403


def test_a_code_is_good_for_few_guesses_only(client: FlaskClient) -> None:
    code = get_code(client, PHONE)
    for _ in range(GUESSES_MAX):
        assert client.post(SIGN_IN, json={"phone": PHONE, "code": _wrong(code)}).status_code == 403
    assert client.post(SIGN_IN, json={"phone": PHONE, "code": code}).status_code == 403


def test_guesses_made_at_once_are_all_counted(app: OpenAPI, held: Resources) -> None:
    code = get_code(app.test_client(), PHONE)
    body = {"phone": PHONE, "code": _wrong(code)}
    with ThreadPoolExecutor(12) as crowd:
        guesses = [crowd.submit(app.test_client().post, SIGN_IN, json=body) for _ in range(12)]
        assert {guess.result().status_code for guess in guesses} == {403}
    with transaction(held.sessions) as session:
        assert session.execute(select(SignInCode.guesses)).scalar_one() == GUESSES_MAX


def test_one_code_used_at_once_signs_in_once(app: OpenAPI, held: Resources) -> None:
    body = {"phone": PHONE, "code": get_code(app.test_client(), PHONE)}
    with ThreadPoolExecutor(4) as crowd:
        tries = [crowd.submit(app.test_client().post, SIGN_IN, json=body) for _ in range(4)]
        statuses = sorted(one.result().status_code for one in tries)
    assert statuses == [200, 403, 403, 403]
    assert _count(held, SignInSession) == 1


def test_an_expired_code_is_refused(client: FlaskClient, held: Resources) -> None:
    code = get_code(client, PHONE)
    with transaction(held.sessions) as session:
        session.execute(update(SignInCode).values(expires_at=func.now()))
    assert client.post(SIGN_IN, json={"phone": PHONE, "code": code}).status_code == 403


def test_a_newer_code_replaces_the_older_one(client: FlaskClient) -> None:
    older = get_code(client, PHONE)
    newer = get_code(client, PHONE)
    if older != newer:
        assert client.post(SIGN_IN, json={"phone": PHONE, "code": older}).status_code == 403
    assert client.post(SIGN_IN, json={"phone": PHONE, "code": newer}).status_code == 200


def test_another_phones_code_opens_nothing(client: FlaskClient) -> None:
    other = get_code(client, "13900139000")
    mine = get_code(client, PHONE)
    if other != mine:
        assert client.post(SIGN_IN, json={"phone": PHONE, "code": other}).status_code == 403


def test_known_and_unknown_phones_get_the_same_answers(app: OpenAPI) -> None:
    signed_in_browser(app, PHONE, verified=True)
    stranger = app.test_client()
    answers = []
    for phone in (PHONE, fresh_phone()):
        asked = stranger.post(CODES, json={"phone": phone})
        wrong = _wrong(asked.get_json()["code"])
        tried = stranger.post(SIGN_IN, json={"phone": phone, "code": wrong}).get_json()
        del tried["request_id"]
        answers.append((asked.status_code, asked.get_json()["expires_in_s"], tried))
    assert answers[0] == answers[1]


def test_signing_out_kills_a_copy_of_the_cookie_too(app: OpenAPI, held: Resources) -> None:
    browser = signed_in_browser(app, PHONE, verified=False)
    assert browser.post("/api/v1/sign-out").status_code == 204
    assert browser.get("/api/v1/me").status_code == 401
    with transaction(held.sessions) as session:
        assert session.execute(select(SignInSession.revoked_at)).scalar_one() is not None


def test_a_page_of_another_site_cannot_sign_a_visitor_in(client: FlaskClient) -> None:
    body = {"phone": PHONE, "code": get_code(client, PHONE)}
    answer = client.post(SIGN_IN, json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.get_json()["slug"]) == (403, "cross-site-request")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": "12800138000"},
        {"phone": "1380013800"},
        {"phone": 13800138000},
        {"phone": "１３８００１３８０００"},
        {"phone": "13800138000\n"},
        {"phone": PHONE, "extra": 1},
        [],
    ],
)
def test_what_is_no_phone_is_refused_without_being_repeated(
    client: FlaskClient, held: Resources, body: object
) -> None:
    answer = client.post(CODES, json=body)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    problem = dict(answer.get_json())
    problem.pop("request_id")  # random, and may hold any three digits
    assert "138" not in str(problem)
    assert _count(held, SignInCode) == 0


def test_a_phone_gets_so_many_codes_an_hour_even_without_rate_limits(
    client: FlaskClient, held: Resources
) -> None:
    for _ in range(CODES_PER_PHONE_H):
        get_code(client, PHONE)
    answer = client.post(CODES, json={"phone": PHONE})
    assert (answer.status_code, answer.get_json()["slug"]) == (429, "too-many-codes")
    assert int(answer.headers["Retry-After"]) > 0
    assert _count(held, SignInCode) == CODES_PER_PHONE_H


@pytest.fixture
def limited(settings: Settings) -> Iterator[OpenAPI]:
    app = create_app(settings.model_copy(update={"rate_limits_enabled": True}))
    with app.app_context():
        yield app
        resources().engine.dispose()


def test_a_phone_is_throttled_from_wherever_it_is_asked_for(limited: OpenAPI) -> None:
    statuses = [
        limited.test_client()
        .post(CODES, json={"phone": PHONE}, environ_overrides={"REMOTE_ADDR": f"203.0.113.{i}"})
        .status_code
        for i in range(4)
    ]
    assert statuses == [202, 202, 202, 429]


def test_a_network_is_throttled_whatever_phones_it_asks_for(limited: OpenAPI) -> None:
    browser = limited.test_client()
    for number in range(61):
        answer = browser.post(
            CODES, json={"phone": f"138{number:08d}"}, environ_overrides=ELSEWHERE
        )
    assert (answer.status_code, answer.get_json()["slug"]) == (429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["RateLimit"].startswith('"default";r=0')


def test_guessing_is_throttled(limited: OpenAPI) -> None:
    browser = limited.test_client()
    body = {"phone": PHONE, "code": "000000"}
    statuses = [
        browser.post(SIGN_IN, json=body, environ_overrides=ELSEWHERE).status_code for _ in range(16)
    ]
    assert statuses == [403] * 15 + [429]


def test_neither_phone_nor_code_is_stored_or_logged(client: FlaskClient, held: Resources) -> None:
    with capture_logs() as lines:
        code = get_code(client, PHONE)
        client.post(SIGN_IN, json={"phone": PHONE, "code": code})
    assert PHONE not in str(lines)
    assert code not in str(lines)
    with transaction(held.sessions) as session:
        for table in ("residents", "sign_in_codes", "sign_in_sessions", "outbox"):
            stored = session.execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
            assert PHONE not in str(stored)
            assert PHONE.encode().hex() not in str(stored)
            assert f",{code}," not in str(stored)


def test_only_development_writes_codes_to_its_log() -> None:
    for environment in Environment:
        with capture_logs() as lines:
            LogSender(environment).send(PHONE, "271828")
        assert ("271828" in str(lines)) is (environment is Environment.DEVELOPMENT)
        assert PHONE not in str(lines)


def test_production_refuses_to_start_without_a_text_message_gateway() -> None:
    with pytest.raises(SettingsError, match="COUPON_SMS_SENDER"):
        load_settings(env="production")


def test_old_codes_are_forgotten(client: FlaskClient, held: Resources) -> None:
    get_code(client, PHONE)
    get_code(client, "13900139000")
    with transaction(held.sessions) as session:
        aged = held.vault.index("phone", PHONE)
        session.execute(
            update(SignInCode)
            .where(SignInCode.phone_index == aged)
            .values(created_at=SignInCode.created_at - timedelta(days=2))
        )
        forget_codes(session)
    assert _count(held, SignInCode) == 1
