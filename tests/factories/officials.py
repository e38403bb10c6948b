"""Officials, and clients that are signed in as one."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from admin.enrol import enrol
from coupon_service.core.auth import Kind
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources

PASSWORD = "correct-horse-battery"


@dataclass(frozen=True)
class Enrolled:
    """An official, and what they sign in with."""

    id: UUID
    district_id: UUID
    username: str
    totp_secret: str

    def code(self) -> str:
        return pyotp.TOTP(self.totp_secret).now()

    def credentials(self) -> dict[str, str]:
        return {"username": self.username, "password": PASSWORD, "code": self.code()}


def make_official(
    held: Resources, district_id: UUID, *, role: Kind = Kind.OFFICIAL, name: str = "王经办"
) -> Enrolled:
    username, secret = f"u{uuid4().hex[:8]}", pyotp.random_base32()
    with transaction(held.sessions) as session:
        enrolled = enrol(
            session,
            held.vault,
            district_id=district_id,
            username=username,
            name=name,
            role=role,
            password=PASSWORD,
            totp_secret=secret,
        )
    return Enrolled(enrolled.official_id, district_id, username, secret)


def signed_in_as(app: Flask, official: Enrolled) -> FlaskClient:
    """A client of its own with the official's cookie."""
    client = app.test_client()
    answer: TestResponse = client.post("/api/v1/office/sign-in", json=official.credentials())
    assert answer.status_code == 200, answer.json
    return client
