"""Clerks of a store: the owner adds and stops them, and sets their PINs."""

import re
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from merchants.models import Store
from merchants.tills.errors import (
    ClerkNameTakenError,
    ClerkNotFoundError,
    IdleNotPossibleError,
    PinNotPossibleError,
)
from merchants.tills.models import Clerk, ClerkTries
from merchants.tills.pin import hash_pin
from merchants.tills.queries import NAME_FIELD

IDLE_MIN = range(2, 121)
_PIN = re.compile(r"[0-9]{4,6}")
_RUNS = ("0123456789", "9876543210")


def add_clerk(
    session: Session, vault: Vault, store_id: UUID, *, name: str, pin: str, now: datetime
) -> UUID:
    """Add a clerk to a store.

    Raises:
        ClerkNameTakenError: the store has one of this name, active or not.
        PinNotPossibleError: see there.
    """
    clerk_id = new_id()
    added = session.execute(
        insert(Clerk)
        .values(
            id=clerk_id,
            store_id=store_id,
            name_sealed=vault.seal_text(NAME_FIELD, name),
            name_index=vault.index(NAME_FIELD, name),
            pin_hash=hash_pin(vault, clerk_id, _possible(pin)),
            pin_set_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Clerk.store_id, Clerk.name_index])
        .returning(Clerk.id)
    ).scalar_one_or_none()
    if added is None:
        raise ClerkNameTakenError
    return clerk_id


def set_pin(
    session: Session, vault: Vault, store_id: UUID, clerk_id: UUID, pin: str, *, now: datetime
) -> None:
    """Give the clerk another PIN: off duty everywhere, and unlocked.

    Raises:
        ClerkNotFoundError: the store has no such clerk.
        PinNotPossibleError: see there.
    """
    pin_hash = hash_pin(vault, clerk_id, _possible(pin))
    _change(session, store_id, clerk_id, pin_hash=pin_hash, pin_set_at=now)
    session.execute(delete(ClerkTries).where(ClerkTries.clerk_id == clerk_id))


def set_clerk_active(session: Session, store_id: UUID, clerk_id: UUID, *, is_active: bool) -> None:
    """Let the clerk come on duty, or stop that.

    Raises:
        ClerkNotFoundError: the store has no such clerk.
    """
    _change(session, store_id, clerk_id, is_active=is_active)


def set_idle(session: Session, store_id: UUID, minutes: int) -> None:
    """After how many minutes left alone the store's tills lock themselves.

    Raises:
        IdleNotPossibleError: not in `IDLE_MIN`.
    """
    if minutes not in IDLE_MIN:
        raise IdleNotPossibleError
    session.execute(update(Store).where(Store.id == store_id).values(clerk_idle_min=minutes))


def _change(session: Session, store_id: UUID, clerk_id: UUID, **values: object) -> None:
    changed = session.execute(
        update(Clerk)
        .where(Clerk.id == clerk_id, Clerk.store_id == store_id)
        .values(**values)
        .returning(Clerk.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if changed is None:
        raise ClerkNotFoundError


def _possible(pin: str) -> str:
    if not _PIN.fullmatch(pin) or len(set(pin)) == 1 or any(pin in run for run in _RUNS):
        raise PinNotPossibleError
    return pin
