"""What every request passes: the cookie, the body, the headers, the refusal."""

import base64
from uuid import UUID

import pytest
from flask import request, url_for
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from tests.factories.campaigns import open_release
from tests.factories.people import make_resident
from tests.factories.redemption import market_with_voucher
from tests.harness.web import claim_path, resident_cookie

CLAIM = claim_path(UUID(int=0))
REDEMPTIONS = "/api/v1/redemptions"


@pytest.fixture
def cookie(app: OpenAPI, held: Resources) -> str:
    with transaction(held.sessions) as session:
        return resident_cookie(app, make_resident(session))


def test_no_bit_of_a_cookie_can_be_changed(app: OpenAPI, cookie: str) -> None:
    client = app.test_client(use_cookies=False)
    name, _, value = cookie.partition("=")
    raw = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    assert client.get("/wallet", headers={"Cookie": cookie}).status_code == 200
    for place in range(len(raw)):
        forged = bytearray(raw)
        forged[place] ^= 1
        text = base64.urlsafe_b64encode(forged).decode().rstrip("=")
        answer = client.put(CLAIM, headers={"Cookie": f"{name}={text}"})
        assert answer.status_code == 401, place


def test_what_is_no_cookie_of_ours_signs_nobody_in(client: FlaskClient) -> None:
    for value in ("", "x", "A" * 137, "A" * 138, "A" * 137 + ".", "A" * 5_000):
        answer = client.put(CLAIM, headers={"Cookie": f"coupon_resident={value}"})
        assert answer.status_code == 401, value


def test_a_cookie_is_found_among_those_of_others(app: OpenAPI, cookie: str) -> None:
    client = app.test_client(use_cookies=False)
    among = f'other="a b"; not_{cookie}x; {cookie}; last=1'
    assert client.get("/wallet", headers={"Cookie": among}).status_code == 200


JSON = "application/json"
NO_REDEMPTIONS = [
    (b"{", JSON, "malformed-json"),
    (b"[]", JSON, "malformed-json"),
    (b"\xff", JSON, "malformed-json"),
    (b"", JSON, "malformed-json"),
    (b"[" * 60_000, JSON, "malformed-json"),
    (b"{}", "text/plain", "malformed-json"),
    (b"{}", JSON, "invalid-request"),
    (b'{"code": 1}', JSON, "invalid-request"),
    (b'{"code": "x", "seat": 1}', f"{JSON}; charset=utf-8", "invalid-request"),
]


def test_a_body_that_is_no_redemption_is_refused_without_being_repeated(
    client: FlaskClient, held: Resources
) -> None:
    market, _, _ = market_with_voucher(held)
    for body, content_type, slug in NO_REDEMPTIONS:
        headers = market.counter.headers | {"Content-Type": content_type}
        answer = client.post(REDEMPTIONS, headers=headers, data=body)
        assert (answer.status_code, answer.get_json()["slug"]) == (400, slug), body[:40]
        assert "input" not in answer.get_data(as_text=True)


def test_a_refusal_says_the_same_in_both_languages(
    app: OpenAPI, held: Resources, cookie: str
) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=1)
        other = resident_cookie(app, make_resident(session))
    client = app.test_client(use_cookies=False)
    path = claim_path(release_id)
    assert client.put(path, headers={"Cookie": other}).status_code == 201
    answers = {}
    for language in ("zh-CN", "en-GB,en;q=0.8"):
        headers = {"Cookie": cookie, "Accept-Language": language, "X-Request-ID": "my-request-1"}
        answer = client.put(path, headers=headers)
        assert answer.status_code == 409
        assert answer.content_type == "application/problem+json"
        assert answer.headers["X-Request-ID"] == answer.get_json()["request_id"] == "my-request-1"
        answers[language] = answer.get_json()
    chinese, english = answers.values()
    assert chinese.pop("detail") == "本场消费券已领完，欢迎参加下一场。"
    assert english.pop("detail").isascii()
    assert chinese == english
    assert chinese["slug"] == "sold-out"


def test_what_is_remembered_of_a_path_or_a_host_is_nobody_elses(app: OpenAPI) -> None:
    for number in (1, 2):
        for host in ("one.example", "two.example:8080"):
            for _ in range(2):
                path = claim_path(UUID(int=number), ordinal=number)
                with app.test_request_context(path, method="PUT", base_url=f"http://{host}/"):
                    assert request.host == host
                    assert url_for("ops.healthz", _external=True) == f"http://{host}/healthz"
                    found = request.view_args or {}
                    assert found == {"release_id": UUID(int=number), "ordinal": number}
                    found.clear()
    client = app.test_client()
    for _ in range(2):
        assert client.get(claim_path(UUID(int=1))).status_code == 405
        assert client.get("/api/v1/nothing").status_code == 404


def test_every_answer_has_the_headers_that_protect_it(client: FlaskClient) -> None:
    for path in ("/", "/healthz", "/api/v1/nothing", "/static/core/tokens.css"):
        for method in ("GET", "HEAD"):
            answer = client.open(path, method=method)
            assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
            assert answer.headers.getlist("Referrer-Policy") == ["same-origin"]
            assert len(answer.headers.getlist("X-Request-ID")) == 1
            assert len(answer.headers.getlist("Content-Length")) == 1
            assert answer.headers["Cache-Control"]
            assert ("Content-Security-Policy" in answer.headers) == (path == "/")
            assert bool(answer.data) == (method == "GET")
