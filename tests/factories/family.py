"""Families: people with phones, children and elders."""

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI

from coupon_service.core.clock import local_date
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from tests.factories.ar import resident_client
from tests.factories.people import make_resident
from tests.factories.residents import REAL_NAME, fresh_id_number, signed_in_browser

HOUSEHOLD = "/api/v1/household"
CHILD_NAME = "张小宝"


def child_born_on(years: int = 8) -> date:
    """A date of birth of somebody that many years old."""
    return local_date(datetime.now(UTC)) - timedelta(days=366 * years)


def child_body(id_number: str | None = None, name: str = CHILD_NAME) -> dict[str, object]:
    return {
        "relation": "guardian",
        "name": name,
        "id_number": id_number or fresh_id_number(child_born_on()),
    }


def adult(app: OpenAPI) -> FlaskClient:
    """Somebody of age whose real name is known, signed in."""
    with transaction(resources().sessions) as session:
        resident_id = make_resident(session)
    return resident_client(app, resident_id)


def teenager(app: OpenAPI) -> FlaskClient:
    """Somebody of sixteen with a phone of their own."""
    browser = signed_in_browser(app, verified=False)
    number = fresh_id_number(child_born_on(16))
    answer = browser.post(REAL_NAME, json={"name": "张小青", "id_number": number})
    assert answer.status_code == 200, answer.json
    return browser


def id_of(browser: FlaskClient) -> UUID:
    return UUID(browser.get("/api/v1/me").get_json()["resident_id"])


def ties(browser: FlaskClient) -> list[tuple[str, str]]:
    """Standing and relation of everything between a resident and the family."""
    answer = browser.get(HOUSEHOLD)
    assert answer.status_code == 200, answer.json
    return [(tie["standing"], tie["relation"]) for tie in answer.get_json()["ties"]]


def proxy_id(browser: FlaskClient) -> str:
    """The only proxy of a resident."""
    (tie,) = browser.get(HOUSEHOLD).get_json()["ties"]
    return str(tie["proxy_id"])


def invitation(browser: FlaskClient, role: str) -> str:
    answer = browser.post(f"{HOUSEHOLD}/invitations", json={"role": role})
    assert answer.status_code == 201, answer.json
    return str(answer.get_json()["code"])


def join(agent: FlaskClient, principal: FlaskClient) -> None:
    """The two become a household: the principal invites, the agent takes it up."""
    code = invitation(principal, "principal")
    answer = agent.post(f"{HOUSEHOLD}/invitations/accept", json={"code": code})
    assert answer.status_code == 204, answer.json


def wrong_code(code: str) -> str:
    return f"{(int(code) + random.randrange(1, 10**10)) % 10**10:010d}"
