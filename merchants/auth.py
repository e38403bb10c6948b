"""How tills prove who they are, and how merchants' people do."""

from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from flask import current_app, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.auth import FRESH_S, Kind, Principal
from coupon_service.core.db import transaction
from coupon_service.core.passwords import verify_password
from coupon_service.core.resources import resources
from merchants.errors import SignatureNeededError, WrongPasswordError
from merchants.models import Merchant, MerchantUser, Store, Till
from merchants.signed_till import authenticate_signed, bears_signature
from merchants.till_key import fits, till_of

# How long a process may go on trusting a key that was replaced elsewhere, as long as it trusts a
# cookie. That a till was stopped, or its merchant, redeeming finds at once in its own transaction.
CACHE_S = float(FRESH_S)
_CACHED_MAX = 4_096
_EXTENSION = "merchants.tills"
_SCHEME = "Bearer "


@dataclass(frozen=True)
class _Known:
    key_hash: bytes
    signed_only: bool
    principal: Principal
    until: float


def authenticate_till() -> Principal | None:
    """The till that signed the request, or whose key is in `Authorization: Bearer till_…`, or None.

    Raises:
        RequestSignatureInvalidError, RequestTimeOffError, RequestReplayedError: see `signed_till`.
        SignatureNeededError: see `till_principal`.
    """
    if bears_signature():
        return authenticate_signed()
    header = request.headers.get("Authorization", "")
    if not header.startswith(_SCHEME):
        return None
    return till_principal(header.removeprefix(_SCHEME).strip())


def till_principal(key: str) -> Principal | None:
    """The active till that has this key, or None.

    Raises:
        SignatureNeededError: the key is right, but the till takes signed requests only.
    """
    till_id = till_of(key)
    if till_id is None:
        return None
    cache: dict[UUID, _Known] = current_app.extensions.setdefault(_EXTENSION, {})
    known = cache.get(till_id)
    if known is None or known.until < monotonic():
        known = _read(till_id)
        if known is None:
            cache.pop(till_id, None)
            return None
        if len(cache) >= _CACHED_MAX:
            cache.clear()
        cache[till_id] = known
    if not fits(key, known.key_hash):
        return None
    if known.signed_only:
        raise SignatureNeededError
    return known.principal


def sign_in(session: Session, username: str, password: str) -> Principal:
    """The merchant's person with this user name and password.

    Raises:
        WrongPasswordError: no such person, or another password; which of both is not told.
    """
    known = select(MerchantUser, Merchant.district_id).join(
        Merchant, Merchant.id == MerchantUser.merchant_id
    )
    # PostgreSQL cannot even be asked for a name with NUL in it.
    row = (
        session.execute(known.where(MerchantUser.username == username.lower())).one_or_none()
        if "\0" not in username
        else None
    )
    fits_user = verify_password(row[0].password_hash if row else None, password)
    if row is None or not fits_user:
        raise WrongPasswordError
    user, district_id = row
    return Principal(
        Kind.MERCHANT_OWNER, user.id, district_id=district_id, merchant_id=user.merchant_id
    )


def _read(till_id: UUID) -> _Known | None:
    with transaction(resources().sessions) as session:
        row = session.execute(
            select(Till.key_hash, Till.signed_only, Merchant.id, Merchant.district_id)
            .join(Store, Store.id == Till.store_id)
            .join(Merchant, Merchant.id == Store.merchant_id)
            .where(Till.id == till_id, Till.is_active)
        ).one_or_none()
    if row is None:
        return None
    key_hash, signed_only, merchant_id, district_id = row
    principal = Principal(Kind.TILL, till_id, district_id=district_id, merchant_id=merchant_id)
    return _Known(key_hash, signed_only, principal, monotonic() + CACHE_S)
