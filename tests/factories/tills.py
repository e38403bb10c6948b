"""Clerks, and browsers in which one is on duty."""

from datetime import timedelta
from uuid import UUID

from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from werkzeug.test import TestResponse

from coupon_service.core.auth import Kind, Principal
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.models import SignInSession
from coupon_service.core.resources import Resources
from merchants.tills.browsers import note_browser
from merchants.tills.clerks import add_clerk
from merchants.tills.open_shift import open_shift
from tests.factories.merchants import sign_in_as
from tests.factories.redemption import Counter

PIN = "4071"


def make_clerk(held: Resources, counter: Counter, name: str = "小王", pin: str = PIN) -> UUID:
    """A clerk of the counter's store."""
    with transaction(held.sessions) as session:
        return add_clerk(
            session, held.vault, counter.store.id, name=name, pin=pin, now=db_now(session)
        )


def sign_in_till(client: FlaskClient, counter: Counter) -> None:
    """Make this browser the till."""
    assert client.post("/till/sign-in", data={"key": counter.key}).status_code == 303


def take_over(client: FlaskClient, clerk_id: UUID, pin: str = PIN) -> TestResponse:
    """Come on duty in this browser."""
    return client.post("/till/clerk", data={"clerk_id": str(clerk_id), "pin": pin})


def owner_of(app: OpenAPI, held: Resources, counter: Counter) -> FlaskClient:
    """A browser in which the counter's owner is signed in."""
    client = app.test_client()
    merchant = counter.merchant
    who = Principal(Kind.MERCHANT_OWNER, new_id(), merchant.district_id, merchant.id)
    sign_in_as(client, held, who)
    return client


def till_objects(held: Resources, counter: Counter) -> dict[str, str]:
    """What the routes of tills name: a till and a clerk of its store, a browser, and a shift."""
    clerk_id = make_clerk(held, counter)
    till_id = counter.till.id
    with transaction(held.sessions) as session:
        now = db_now(session)
        browser = SignInSession(
            id=new_id(),
            principal_kind=Kind.TILL,
            principal_id=till_id,
            user_agent="",
            expires_at=now + timedelta(days=1),
        )
        session.add(browser)
        session.flush()
        note_browser(session, browser.id, till_id, now=now)
        shift_id = open_shift(session, till_id, clerk_id, now=now)
    return {
        "till_id": str(till_id),
        "store_id": str(counter.store.id),
        "clerk_id": str(clerk_id),
        "browser_id": str(browser.id),
        "shift_id": str(shift_id),
    }
