"""Residents who come in as people do: by phone, code and identity number."""

import random
from datetime import date

from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI

from coupon_service.residents.id_number import check_character

CODES = "/api/v1/sign-in/codes"
SIGN_IN = "/api/v1/sign-in"
REAL_NAME = "/api/v1/me/real-name"


def fresh_phone() -> str:
    return f"1{random.randint(3, 9)}{random.randrange(10**9):09d}"


def fresh_id_number(born_on: date = date(1980, 5, 17)) -> str:
    body = f"110102{born_on:%Y%m%d}{random.randrange(1000):03d}"
    return body + check_character(body)


def get_code(client: FlaskClient, phone: str) -> str:
    """Ask for a code and read it from the answer, as outside of production one can."""
    answer = client.post(CODES, json={"phone": phone})
    assert answer.status_code == 202, answer.json
    return str(answer.get_json()["code"])


def signed_in_browser(app: OpenAPI, phone: str | None = None, *, verified: bool) -> FlaskClient:
    """A browser in which a resident has signed in, and perhaps given a real name."""
    browser = app.test_client()
    phone = phone or fresh_phone()
    answer = browser.post(SIGN_IN, json={"phone": phone, "code": get_code(browser, phone)})
    assert answer.status_code == 200, answer.json
    if verified:
        answer = browser.post(REAL_NAME, json={"name": "张三", "id_number": fresh_id_number()})
        assert answer.status_code == 200, answer.json
    return browser
