"""How a point-of-sale system proves itself: each request bears a signature of its own.

A nonce counts once, and is remembered in Redis for as long as its signature could count. If Redis
is away the request passes: orders and refunds have numbers of the merchant's own, under which a
repeat does nothing, so that what a replay could gain does not justify closing the tills.
"""

from dataclasses import dataclass
from time import monotonic, time
from urllib.parse import urlsplit
from uuid import UUID

from flask import Request, current_app
from redis.exceptions import RedisError
from sqlalchemy import select

from coupon_service.core.auth import Kind, Principal
from coupon_service.core.db import transaction
from coupon_service.core.errors import TooLargeError
from coupon_service.core.log import get_logger
from coupon_service.core.resources import resources
from coupon_service.core.this_request import this_request
from merchants.errors import (
    RequestReplayedError,
    RequestSignatureInvalidError,
    RequestTimeOffError,
)
from merchants.models import Merchant, PosKey, Store, Till
from merchants.pos_keys import open_secret, read_key_name
from merchants.request_signature import (
    Asked,
    MalformedSignatureError,
    RequestSignature,
    covers_request,
    holds,
    read_signature,
)

# How far a system's clock may be off, both ways.
TOLERANCE_S = 300
# How long a process may go on trusting a key that was revoked elsewhere.
CACHE_S = 3.0
_CACHED_MAX = 4_096
_EXTENSION = "merchants.pos_keys"

log = get_logger(__name__)


@dataclass(frozen=True)
class _Known:
    secret: bytes
    is_test: bool
    principal: Principal
    until: float


def bears_signature() -> bool:
    """Whether the request claims to be signed, rightly or not."""
    environ = this_request().environ
    return "HTTP_SIGNATURE" in environ or "HTTP_SIGNATURE_INPUT" in environ


def authenticate_signed() -> Principal:
    """The active till whose point-of-sale key signed this request.

    Raises:
        RequestSignatureInvalidError: malformed, of an unknown key, or not over this request.
        TooLargeError: the body is larger than any that is taken here.
        RequestTimeOffError: rightly signed, but not now.
        RequestReplayedError: rightly signed, but seen before.
    """
    asked, now_s = this_request(), int(time())
    try:
        signature = read_signature(
            asked.headers.get("Signature-Input", ""), asked.headers.get("Signature", "")
        )
        named = read_key_name(signature.key_id)
        known = _known(named[0]) if named else None
        seen = _as_asked(asked)
        if (
            named is None
            or known is None
            or known.is_test != named[1]
            or not covers_request(signature, seen)
            or not holds(signature, known.secret, seen)
        ):
            raise RequestSignatureInvalidError
    except MalformedSignatureError:
        raise RequestSignatureInvalidError from None
    _check_time(signature, now_s)
    _use_nonce(named[0], signature.nonce)
    return known.principal


def _as_asked(asked: Request) -> Asked:
    body = asked.get_data()
    if len(body) >= (asked.max_content_length or len(body) + 1):
        # A chunked body is cut off at the limit, not refused: it must not look merely unsigned.
        raise TooLargeError
    # Behind a proxy the request itself may not know by which address it was asked for.
    site = urlsplit(resources().settings.public_url or asked.host_url)
    return Asked(
        method=asked.method,
        scheme=site.scheme,
        authority=site.netloc,
        path=asked.path,
        query=asked.environ.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in asked.headers.items()},
        body=body,
    )


def _check_time(signature: RequestSignature, now_s: int) -> None:
    # This host's clock, as with cookies: minutes are allowed for, and no read of the database.
    expired = signature.expires_s is not None and signature.expires_s <= now_s
    if expired or abs(now_s - signature.created_s) > TOLERANCE_S:
        raise RequestTimeOffError(now_s=now_s)


def _use_nonce(key_id: UUID, nonce: str) -> None:
    name = f"pos-nonce:{key_id.hex}:{nonce}"
    try:
        is_new = resources().hints.set(name, 1, nx=True, ex=2 * TOLERANCE_S)
    except RedisError as error:
        log.warning("nonces are not remembered", error=type(error).__name__)
        return
    if not is_new:
        raise RequestReplayedError


def _known(key_id: UUID) -> _Known | None:
    cache: dict[UUID, _Known] = current_app.extensions.setdefault(_EXTENSION, {})
    known = cache.get(key_id)
    if known is None or known.until < monotonic():
        known = _read(key_id)
        if known is None:
            cache.pop(key_id, None)
            return None
        if len(cache) >= _CACHED_MAX:
            cache.clear()
        cache[key_id] = known
    return known


def _read(key_id: UUID) -> _Known | None:
    held = resources()
    with transaction(held.sessions) as session:
        row = session.execute(
            select(PosKey.secret_sealed, PosKey.is_test, Till.id, Merchant.id, Merchant.district_id)
            .join(Till, Till.id == PosKey.till_id)
            .join(Store, Store.id == Till.store_id)
            .join(Merchant, Merchant.id == Store.merchant_id)
            .where(PosKey.id == key_id, PosKey.revoked_at.is_(None), Till.is_active)
        ).one_or_none()
    if row is None:
        return None
    sealed, is_test, till_id, merchant_id, district_id = row
    principal = Principal(Kind.TILL, till_id, district_id=district_id, merchant_id=merchant_id)
    return _Known(open_secret(held.vault, sealed), is_test, principal, monotonic() + CACHE_S)
