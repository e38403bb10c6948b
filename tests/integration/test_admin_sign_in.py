"""Officials sign in with a password and a code that is good once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select

from admin.enrol import enrol
from admin.errors import UsernameTakenError
from coupon_service.core.auth import Kind
from coupon_service.core.db import transaction
from coupon_service.core.models import SignInSession
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from tests.factories.campaigns import make_district
from tests.factories.officials import PASSWORD, Enrolled, make_official, signed_in_as

SIGN_IN = "/api/v1/office/sign-in"


@pytest.fixture
def official(held: Resources) -> Enrolled:
    with transaction(held.sessions) as session:
        district = make_district(session)
    return make_official(held, district.id)


def session_count(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(SignInSession)).scalar_one()


def test_password_and_code_open_the_office(client: FlaskClient, official: Enrolled) -> None:
    answer = client.post(SIGN_IN, json=official.credentials())
    assert answer.status_code == 200
    assert answer.json["official_id"] == str(official.id)
    assert client.get("/api/v1/office/cases").status_code == 200


def test_a_code_is_good_once(client: FlaskClient, held: Resources, official: Enrolled) -> None:
    credentials = official.credentials()
    assert client.post(SIGN_IN, json=credentials).status_code == 200
    again = client.post(SIGN_IN, json=credentials)
    assert (again.status_code, again.json["slug"]) == (401, "sign-in-refused")
    assert session_count(held) == 1


def test_one_code_in_many_requests_at_once_signs_in_once(
    app: OpenAPI, held: Resources, official: Enrolled
) -> None:
    credentials = official.credentials()

    def post(_number: int) -> int:
        return app.test_client().post(SIGN_IN, json=credentials).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(post, range(8)))
    assert sorted(statuses) == [200, *[401] * 7]
    assert session_count(held) == 1


@pytest.mark.parametrize(
    "wrong", [{"password": "another-password"}, {"code": "000000"}, {"username": "nobody"}]
)
def test_every_wrong_part_gets_the_same_answer(
    client: FlaskClient, held: Resources, official: Enrolled, wrong: dict[str, str]
) -> None:
    answer = client.post(SIGN_IN, json=official.credentials() | wrong)
    assert (answer.status_code, answer.json["slug"]) == (401, "sign-in-refused")
    assert session_count(held) == 0
    # A wrong password has not used the code up.
    assert client.post(SIGN_IN, json=official.credentials()).status_code == 200


def test_a_code_of_two_minutes_ago_is_refused(client: FlaskClient, official: Enrolled) -> None:
    import time

    stale = pyotp.TOTP(official.totp_secret).at(int(time.time()) - 120)
    answer = client.post(SIGN_IN, json=official.credentials() | {"code": stale})
    assert answer.status_code == 401


def test_signing_out_ends_the_session(app: OpenAPI, held: Resources, official: Enrolled) -> None:
    client = signed_in_as(app, official)
    assert client.post("/api/v1/office/sign-out").status_code == 204
    assert client.get("/api/v1/office/cases").status_code == 401
    with transaction(held.sessions) as session:
        assert session.execute(select(SignInSession.revoked_at)).scalar_one() is not None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "a", "password": "b"},
        {"username": "a b", "password": "b", "code": "123456"},
        {"username": "a", "password": "b" * 129, "code": "123456"},
        {"username": "a", "password": "b", "code": "１２３４５６"},
        {"username": "a", "password": "b", "code": 123456},
        {"username": "a", "password": "b", "code": "123456", "role": "administrator"},
    ],
)
def test_a_body_that_is_not_as_described_is_refused(
    client: FlaskClient, held: Resources, body: dict[str, object]
) -> None:
    answer = client.post(SIGN_IN, json=body)
    assert (answer.status_code, answer.json["slug"]) == (400, "invalid-request")
    assert session_count(held) == 0


def test_two_officials_do_not_share_a_name(held: Resources, official: Enrolled) -> None:
    with pytest.raises(UsernameTakenError), transaction(held.sessions) as session:
        enrol(
            session,
            held.vault,
            district_id=official.district_id,
            username=official.username.upper(),
            name="另一人",
            role=Kind.AUDITOR,
            password=PASSWORD,
        )


@pytest.fixture
def limited(settings: Settings) -> Iterator[OpenAPI]:
    app = create_app(settings.model_copy(update={"rate_limits_enabled": True}))
    with app.app_context():
        yield app
        resources().engine.dispose()


def test_guessing_is_throttled_per_name_from_any_address(limited: OpenAPI) -> None:
    held = resources()
    with transaction(held.sessions) as session:
        district = make_district(session)
    official = make_official(held, district.id)
    wrong = official.credentials() | {"code": "000000"}
    statuses = [
        limited.test_client()
        .post(SIGN_IN, json=wrong, environ_base={"REMOTE_ADDR": f"10.0.0.{number}"})
        .status_code
        for number in range(22)
    ]
    assert statuses == [401] * 20 + [429] * 2
    other = make_official(held, district.id)
    assert limited.test_client().post(SIGN_IN, json=other.credentials()).status_code == 200
