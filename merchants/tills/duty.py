"""Who is on duty at a till's browser: a signed cookie beside the till's own.

The cookie names the browser's sign-in, the clerk, when the PIN was typed and when the browser was
last used. It is believed for `FRESH_S`; then the clerk is read once and the cookie signed anew. A
clerk who was stopped, or whose PIN was changed, is off duty within that time, and whoever leaves
the browser alone for the store's `clerk_idle_min` is off duty by the clock.

Programs that sign in with a till's key have no clerk.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from time import time
from uuid import UUID

from flask import Response, after_this_request, current_app, g
from itsdangerous import BadSignature, URLSafeSerializer

from coupon_service.core.auth import Kind, Principal, access_of, principal
from coupon_service.core.cookies import sent_cookie
from coupon_service.core.db import transaction
from coupon_service.core.display import epoch_ms
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import resources
from coupon_service.core.this_request import this_request
from merchants.tills.errors import ClerkNeededError
from merchants.tills.queries import ClerkAtTill, clerk_at_till, has_clerks

FRESH_S = 20
_COOKIE = "coupon_duty"
_COOKIE_CHARS_MAX = 300
_EXTENSION = "merchants.tills.duty"
# Where a request keeps what its cookie says.
_READ = "merchants.tills.duty"


@dataclass(frozen=True)
class Duty:
    """Who is on duty: none without clerks, or where a program asks with a till's key."""

    clerk_id: UUID | None = None


@dataclass(frozen=True)
class _Told:
    """What the cookie says. Times are Unix time; when the PIN was typed by the database's clock."""

    session_id: UUID
    clerk_id: UUID
    idle_s: int
    began_ms: int
    seen_s: int


def duty_of_request() -> Duty:
    """Who is on duty in the browser that asks. Reads the cookie and no database."""
    told = _told(g.get("principal"))
    return Duty(told.clerk_id) if told else Duty()


def demand_clerk() -> None:
    """Before a till's views: keep the clerk on duty, or refuse a browser where a clerk is missing.

    Raises:
        ClerkNeededError: the store has clerks, and none is on duty here.
    """
    access = access_of(current_app.view_functions[this_request().endpoint or ""])
    if access is None or Kind.ANYONE in access.kinds:
        return
    who = principal()
    if who.kind is not Kind.TILL or who.session_id is None:
        return
    told, now_s = _told(who), int(time())
    if told is not None and now_s - told.seen_s < FRESH_S:
        return
    with transaction(resources().sessions) as session:
        clerk = clerk_at_till(session, who.id, told.clerk_id) if told else None
        if told is None or clerk is None or clerk.pin_set_ms > told.began_ms:
            this_request().environ[_READ] = None
            if has_clerks(session, who.id):
                raise ClerkNeededError
            return
    _keep(replace(told, idle_s=clerk.idle_s, seen_s=now_s))


def begin_duty(who: Principal, clerk: ClerkAtTill, *, now: datetime) -> None:
    """The clerk is on duty in this browser from this answer on.

    Raises:
        ClerkNeededError: it is no browser that asks.
    """
    if who.session_id is None:
        raise ClerkNeededError
    _keep(_Told(who.session_id, clerk.id, clerk.idle_s, epoch_ms(now), int(time())))


def end_duty() -> None:
    """Nobody is on duty in this browser from this answer on."""
    this_request().environ[_READ] = None

    @after_this_request
    def forget(response: Response) -> Response:
        response.delete_cookie(_COOKIE)
        return response


def _told(who: Principal | None) -> _Told | None:
    """What the cookie says of this very browser, unless it was left alone for too long."""
    if who is None or who.session_id is None or who.kind is not Kind.TILL:
        return None
    environ = this_request().environ
    if _READ not in environ:
        environ[_READ] = _read(who.session_id)
    told: _Told | None = environ[_READ]
    return told


def _read(session_id: UUID) -> _Told | None:
    text = sent_cookie(_COOKIE)
    if text is None or len(text) > _COOKIE_CHARS_MAX:
        return None
    try:
        browser, clerk, idle_s, began_ms, seen_s = _serializer().loads(text)
    except (BadSignature, ValueError, TypeError):
        return None
    if browser != session_id.hex or time() - seen_s >= idle_s:
        return None
    return _Told(session_id, UUID(hex=clerk), idle_s, began_ms, seen_s)


def _keep(told: _Told) -> None:
    this_request().environ[_READ] = told
    text = str(
        _serializer().dumps(
            [told.session_id.hex, told.clerk_id.hex, told.idle_s, told.began_ms, told.seen_s]
        )
    )
    settings = resources().settings

    @after_this_request
    def write(response: Response) -> Response:
        response.set_cookie(
            _COOKIE,
            text,
            max_age=told.idle_s,
            httponly=True,
            samesite="Lax",
            secure=bool(settings.public_url and settings.public_url.startswith("https://")),
        )
        return response


def _serializer() -> URLSafeSerializer:
    kept: URLSafeSerializer | None = current_app.extensions.get(_EXTENSION)
    if kept is None:
        secret = resources().settings.secret_key.get_secret_value()
        kept = URLSafeSerializer(
            derive_key(secret, "clerk-duty/1"), signer_kwargs={"digest_method": sha256}
        )
        current_app.extensions[_EXTENSION] = kept
    return kept
