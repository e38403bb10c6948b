"""Who is asking, and what each route demands.

Every view carries one `@require(...)`; `web.py` enforces it before the view, or its validation of
the body, runs. A view without one is refused, so forgetting it shows at once.

A browser proves itself by a signed cookie, one per kind of user, so that one browser can be a
resident and an official at the same time. The cookie alone is believed for `FRESH_S`; after that
the sign-in row is read once and the cookie signed anew. A revoked session therefore ends within
that time, and the hot path reads nothing.

The cookie is a fixed layout, integers big-endian, in base64url without padding:

    offset  size  field
         0     1  version, 1
         1     1  kind
         2     1  1 if the real name is known
         3     4  fresh until, Unix seconds
         7    16  principal id
        23    16  district id, or zeros
        39    16  merchant id, or zeros
        55    16  id of the sign-in row
        71    32  HMAC-SHA256 of bytes 0..70
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from hashlib import sha256
from time import time
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Response, g, request
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.cookies import sent_cookie
from coupon_service.core.db import transaction
from coupon_service.core.errors import CrossSiteRequestError, ForbiddenError, NotSignedInError
from coupon_service.core.ids import new_id
from coupon_service.core.models import SignInSession
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import resources
from coupon_service.core.this_request import this_app, this_g, this_request

FRESH_S = 60
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ACCESS = "required_access"
_KEY = "cookie_key"

_COOKIE_VERSION = 1
_COOKIE = struct.Struct(">BBBI16s16s16s16s")
_COOKIE_CHARS = -(-(_COOKIE.size + sha256().digest_size) * 4 // 3)
_PADDING = "=" * (-_COOKIE_CHARS % 4)
_NO_ID = bytes(16)


class Kind(StrEnum):
    """Kinds of principals, in the words of the authorization matrix."""

    ANYONE = "anyone"
    RESIDENT = "resident"
    TILL = "till"
    MERCHANT_OWNER = "merchant_owner"
    OFFICIAL = "official"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    AR_PROVIDER = "ar_provider"
    MONITOR = "monitor"


OFFICE = (Kind.OFFICIAL, Kind.AUDITOR, Kind.ADMINISTRATOR)

# Officials of all roles share one cookie: a person has one role at a time.
_COOKIES = {
    Kind.RESIDENT: "coupon_resident",
    Kind.TILL: "coupon_till",
    Kind.MERCHANT_OWNER: "coupon_merchant",
    Kind.OFFICIAL: "coupon_office",
    Kind.AUDITOR: "coupon_office",
    Kind.ADMINISTRATOR: "coupon_office",
}
# As a cookie says it. A number is never given to another kind.
_KIND_NUMBERS = {
    Kind.RESIDENT: 1,
    Kind.TILL: 2,
    Kind.MERCHANT_OWNER: 3,
    Kind.OFFICIAL: 4,
    Kind.AUDITOR: 5,
    Kind.ADMINISTRATOR: 6,
}
_KINDS = {number: kind for kind, number in _KIND_NUMBERS.items()}


@dataclass(frozen=True)
class Principal:
    """Who acts.

    Attributes:
        id: the resident, till, merchant user, official or AR provider.
        district_id: the only district this principal may see; none for residents.
        merchant_id: the only merchant this principal may act for; none for others than merchants.
        verified: a resident whose real name is known.
        session_id: the sign-in row behind a cookie; none when proven by key or signature.
    """

    kind: Kind
    id: UUID
    district_id: UUID | None = None
    merchant_id: UUID | None = None
    verified: bool = False
    session_id: UUID | None = None


Authenticator = Callable[[], Principal | None]
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """What a route demands: any of the kinds, and for residents perhaps a known real name."""

    kinds: frozenset[Kind]
    real_name: bool


def require(*kinds: Kind, real_name: bool = False) -> Callable[[View], View]:
    """Declare who may use a view. `Kind.ANYONE` opens it to everybody."""

    def mark(view: View) -> View:
        setattr(view, _ACCESS, Access(frozenset(kinds), real_name))
        return view

    return mark


def access_of(view: Callable[..., Any]) -> Access | None:
    """What `require` declared on the view, or None."""
    return cast(Access | None, getattr(view, _ACCESS, None))


def enforce(access: Access | None) -> None:
    """Let the request go on, remembering its principal, or refuse it.

    Raises:
        NotSignedInError: nobody of the demanded kinds is signed in.
        ForbiddenError: the route declares no access, or wants a real name the resident lacks.
        CrossSiteRequestError: a state-changing request with a cookie came from another site.
    """
    if access is None:
        raise ForbiddenError
    if Kind.ANYONE in access.kinds:
        # Signing in is itself a state change: another site must not sign a visitor in.
        _refuse_cross_site()
        return
    principal = signed_in(*access.kinds)
    if principal is None:
        raise NotSignedInError
    if access.real_name and not principal.verified:
        raise RealNameNeededError
    this_g().principal = principal


class RealNameNeededError(ForbiddenError):
    slug = "real-name-needed"
    title = "Confirm your name and ID number first"
    sentence = "领取前请先完成实名认证。"


def principal() -> Principal:
    """The principal of this request, on a route that demands one."""
    return cast(Principal, this_g().principal)


def signed_in(*kinds: Kind) -> Principal | None:
    """Whoever of these kinds this request proves to be: by key or signature, else by cookie."""
    authenticators: dict[Kind, Authenticator] = this_app().extensions["authenticators"]
    for kind in kinds:
        if kind in authenticators and (found := authenticators[kind]()):
            return found
    for name in _cookie_names(kinds):
        found = _from_cookie(name)
        if found is not None and found.kind in kinds:
            _refuse_cross_site()
            return found
    return None


@cache
def _cookie_names(kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_COOKIES[kind] for kind in kinds if kind in _COOKIES))


def start_session(session: Session, principal: Principal, response: Response) -> UUID:
    """Sign the principal in on this browser: a row, whose id is returned, and a cookie."""
    days = resources().settings.session_days
    row = SignInSession(
        id=new_id(),
        principal_kind=principal.kind,
        principal_id=principal.id,
        user_agent=request.user_agent.string[:200],
        expires_at=db_now(session) + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    write_cookie(response, principal, row.id)
    return row.id


def end_session(session: Session, principal: Principal, response: Response) -> None:
    """Sign the principal out: the row is revoked, so that a copied cookie dies with it."""
    session.execute(
        update(SignInSession)
        .where(SignInSession.id == principal.session_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=db_now(session))
    )
    response.delete_cookie(_COOKIES[principal.kind])


def write_cookie(response: Response, principal: Principal, session_id: UUID) -> None:
    """Set the signed cookie, fresh from now on."""
    settings = resources().settings
    body = _COOKIE.pack(
        _COOKIE_VERSION,
        _KIND_NUMBERS[principal.kind],
        principal.verified,
        int(time()) + FRESH_S,
        principal.id.bytes,
        principal.district_id.bytes if principal.district_id else _NO_ID,
        principal.merchant_id.bytes if principal.merchant_id else _NO_ID,
        session_id.bytes,
    )
    response.set_cookie(
        _COOKIES[principal.kind],
        urlsafe_b64encode(body + _signature(body)).decode().rstrip("="),
        max_age=settings.session_days * 86_400,
        httponly=True,
        samesite="Lax",
        secure=bool(settings.public_url and settings.public_url.startswith("https://")),
    )


def refresh_cookies(response: Response) -> Response:
    """Send the cookies that were re-read from their row during this request."""
    for principal in g.get("refreshed", []):
        write_cookie(response, principal, principal.session_id)
    return response


def _from_cookie(name: str) -> Principal | None:
    text = sent_cookie(name)
    if text is None or len(text) != _COOKIE_CHARS:
        return None
    try:
        raw = urlsafe_b64decode(text + _PADDING)
    except ValueError:
        return None
    body = raw[: _COOKIE.size]
    if not hmac.compare_digest(raw[_COOKIE.size :], _signature(body)):
        return None
    version, number, verified, fresh_until, id_, district, merchant, session = _COOKIE.unpack(body)
    if version != _COOKIE_VERSION:
        return None
    found = Principal(
        kind=_KINDS[number],
        id=UUID(bytes=id_),
        district_id=None if district == _NO_ID else UUID(bytes=district),
        merchant_id=None if merchant == _NO_ID else UUID(bytes=merchant),
        verified=bool(verified),
        session_id=UUID(bytes=session),
    )
    if fresh_until >= time():
        return found
    return found if _still_signed_in(found) else None


def _still_signed_in(found: Principal) -> bool:
    with transaction(resources().sessions) as session:
        alive = session.execute(
            select(SignInSession.id).where(
                SignInSession.id == found.session_id,
                SignInSession.revoked_at.is_(None),
                SignInSession.expires_at > db_now(session),
            )
        ).scalar_one_or_none()
    if alive is None:
        return False
    g.setdefault("refreshed", []).append(found)
    return True


def _refuse_cross_site() -> None:
    """Fetch metadata, or `Origin` from browsers too old to send it. Programs send neither."""
    asked = this_request()
    if asked.method in _SAFE_METHODS:
        return
    site = asked.environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise CrossSiteRequestError
        return
    origin = asked.environ.get("HTTP_ORIGIN")
    if origin is not None and origin.partition("://")[2] != asked.host:
        raise CrossSiteRequestError


def _signature(body: bytes) -> bytes:
    extensions = this_app().extensions
    begun = extensions.get(_KEY)
    if begun is None:
        key = derive_key(resources().settings.secret_key.get_secret_value(), "cookies/2")
        # To go on from a copy takes half of what it takes to begin with the key.
        begun = extensions[_KEY] = hmac.new(key, digestmod="sha256")
    signature = begun.copy()
    signature.update(body)
    return cast(bytes, signature.digest())
