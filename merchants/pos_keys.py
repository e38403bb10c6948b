"""The keys of point-of-sale systems: `pos_<id in hex>.<secret>`; made, revoked, and found again.

What stands before the full stop is the key's id, as a signature names it; what follows is the
secret, whose characters are the HMAC's key as they stand. A sandbox's keys begin with `pos_test_`.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Sandbox
from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from merchants.errors import (
    PosKeyNeededError,
    PosKeyNotFoundError,
    TillNotFoundError,
    TooManyPosKeysError,
)
from merchants.models import Merchant, PosKey, Store, Till

SLOTS = (1, 2)
_SECRET_BYTES = 32
_FIELD = "pos-key"
_KEY_ID = re.compile(r"pos_(test_)?([0-9a-f]{32})")


@dataclass(frozen=True)
class PosKeyWithSecret:
    """A key's row, and its text, which nobody can read again."""

    key: PosKey
    text: str


@dataclass(frozen=True)
class TillKeys:
    """A till with its store, and the keys of it that are good."""

    till: Till
    store: Store
    keys: Sequence[PosKey]


def key_name(key: PosKey) -> str:
    """The id by which a signature names the key."""
    return f"pos_{'test_' if key.is_test else ''}{key.id.hex}"


def read_key_name(text: str) -> tuple[UUID, bool] | None:
    """A key's id and whether it is a sandbox's, or None if the text is not shaped like one."""
    match = _KEY_ID.fullmatch(text)
    return (UUID(hex=match[2]), match[1] is not None) if match else None


def open_secret(vault: Vault, sealed: bytes) -> bytes:
    """The HMAC's key."""
    return vault.open(_FIELD, sealed)


def create_pos_key(
    session: Session, vault: Vault, merchant_id: UUID, till_id: UUID
) -> PosKeyWithSecret:
    """Give a till one more key; its text is in the answer and nowhere else.

    Raises:
        TillNotFoundError: the merchant has no such till.
        TooManyPosKeysError: the till has two already.
    """
    _till_of(session, merchant_id, till_id)
    taken = set(
        session.scalars(
            select(PosKey.slot).where(PosKey.till_id == till_id, PosKey.revoked_at.is_(None))
        )
    )
    free = next((slot for slot in SLOTS if slot not in taken), None)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    is_test = session.execute(
        select(
            exists().where(Merchant.id == merchant_id, Sandbox.district_id == Merchant.district_id)
        )
    ).scalar_one()
    key = (
        session.scalars(
            insert(PosKey)
            .values(
                id=new_id(),
                till_id=till_id,
                slot=free,
                secret_sealed=vault.seal(_FIELD, secret.encode()),
                is_test=is_test,
            )
            # Somebody may have taken the slot meanwhile.
            .on_conflict_do_nothing()
            .returning(PosKey)
        ).one_or_none()
        if free is not None
        else None
    )
    if key is None:
        raise TooManyPosKeysError
    return PosKeyWithSecret(key, f"{key_name(key)}.{secret}")


def revoke_pos_key(
    session: Session, merchant_id: UUID, till_id: UUID, key_id: UUID, *, now: datetime
) -> None:
    """Stop trusting a key, for good; processes that know it do so within `auth.CACHE_S`.

    Raises:
        TillNotFoundError: the merchant has no such till.
        PosKeyNotFoundError: the till has no such key, or it was revoked before.
    """
    _till_of(session, merchant_id, till_id)
    revoked = session.execute(
        update(PosKey)
        .where(PosKey.id == key_id, PosKey.till_id == till_id, PosKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(PosKey.id)
    ).scalar_one_or_none()
    if revoked is None:
        raise PosKeyNotFoundError


def set_signed_only(
    session: Session, merchant_id: UUID, till_id: UUID, *, signed_only: bool
) -> None:
    """Say whether the till's own key still opens anything.

    Raises:
        TillNotFoundError: the merchant has no such till.
        PosKeyNeededError: it has no key to sign with.
    """
    till = _till_of(session, merchant_id, till_id)
    has_key = exists().where(PosKey.till_id == till_id, PosKey.revoked_at.is_(None))
    if signed_only and not session.execute(select(has_key)).scalar_one():
        raise PosKeyNeededError
    till.signed_only = signed_only


def tills_with_keys(session: Session, merchant_id: UUID) -> list[TillKeys]:
    """The merchant's tills by store and name, each with its good keys, oldest first."""
    rows = session.execute(
        select(Till, Store)
        .join(Store, Store.id == Till.store_id)
        .where(Store.merchant_id == merchant_id)
        .order_by(Store.name, Till.name, Till.id)
    ).all()
    keys: dict[UUID, list[PosKey]] = {till.id: [] for till, _ in rows}
    for key in session.scalars(
        select(PosKey)
        .where(PosKey.till_id.in_(keys), PosKey.revoked_at.is_(None))
        .order_by(PosKey.id)
    ):
        keys[key.till_id].append(key)
    return [TillKeys(till, store, keys[till.id]) for till, store in rows]


def _till_of(session: Session, merchant_id: UUID, till_id: UUID) -> Till:
    till = session.scalars(
        select(Till)
        .join(Store, Store.id == Till.store_id)
        .where(Till.id == till_id, Store.merchant_id == merchant_id)
    ).one_or_none()
    if till is None:
        raise TillNotFoundError
    return till
