"""Shared reads of a merchant's tills: their browsers, clerks and shifts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from coupon_service.core.auth import Kind
from coupon_service.core.display import epoch_ms
from coupon_service.core.models import SignInSession
from coupon_service.core.personal import Vault
from merchants.errors import TillNotFoundError
from merchants.models import Store, Till
from merchants.tills.errors import ShiftNotFoundError, StoreNotFoundError
from merchants.tills.models import Clerk, Shift, TillBrowser

NAME_FIELD = "clerk-name"
SHIFTS_SHOWN = 20


@dataclass(frozen=True)
class ClerkAtTill:
    """A clerk who may come on duty at a till.

    Attributes:
        idle_s: after how long the till locks itself.
        pin_set_ms: when the PIN was last set, Unix time.
    """

    id: UUID
    idle_s: int
    pin_set_ms: int


@dataclass(frozen=True)
class NamedClerk:
    """A clerk as people know them."""

    id: UUID
    name: str
    is_active: bool


@dataclass(frozen=True)
class Browser:
    """A browser that is signed in as a till; see `TillBrowser`."""

    id: UUID
    name: str | None
    user_agent: str
    is_paired: bool
    since: datetime
    last_used_at: datetime


def stores_of(session: Session, merchant_id: UUID) -> Sequence[Store]:
    """The merchant's stores, in the order they joined."""
    return session.scalars(
        select(Store).where(Store.merchant_id == merchant_id).order_by(Store.id)
    ).all()


def own_store(session: Session, merchant_id: UUID, store_id: UUID) -> Store:
    """A store of this merchant.

    Raises:
        StoreNotFoundError: it has no such store.
    """
    found = session.scalars(
        select(Store).where(Store.id == store_id, Store.merchant_id == merchant_id)
    ).one_or_none()
    if found is None:
        raise StoreNotFoundError
    return found


def tills_of(session: Session, merchant_id: UUID) -> Sequence[Till]:
    """The merchant's tills with their stores, by name."""
    return session.scalars(
        select(Till)
        .join(Till.store)
        .options(contains_eager(Till.store))
        .where(Store.merchant_id == merchant_id)
        .order_by(Till.name, Till.id)
    ).all()


def own_till(session: Session, merchant_id: UUID, till_id: UUID) -> Till:
    """A till of this merchant, with its store.

    Raises:
        TillNotFoundError: it has no such till.
    """
    found = session.scalars(
        select(Till)
        .join(Till.store)
        .options(contains_eager(Till.store))
        .where(Till.id == till_id, Store.merchant_id == merchant_id)
    ).one_or_none()
    if found is None:
        raise TillNotFoundError
    return found


def browsers_of(session: Session, till_id: UUID, *, now: datetime) -> Sequence[Browser]:
    """The browsers that may act as the till, the one used last first."""
    rows = session.scalars(
        select(TillBrowser)
        .join(TillBrowser.sign_in)
        .options(contains_eager(TillBrowser.sign_in))
        .where(
            TillBrowser.till_id == till_id,
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > now,
        )
        .order_by(TillBrowser.last_used_at.desc(), TillBrowser.session_id)
    )
    return [
        Browser(
            id=row.session_id,
            name=row.name,
            user_agent=row.sign_in.user_agent,
            is_paired=row.paired_by is not None,
            since=row.sign_in.created_at,
            last_used_at=row.last_used_at,
        )
        for row in rows
    ]


def browser_counts(session: Session, merchant_id: UUID, *, now: datetime) -> dict[UUID, int]:
    """How many browsers may act as each till of the merchant; tills without one are absent."""
    rows = session.execute(
        select(Till.id, func.count())
        .join(Store, Store.id == Till.store_id)
        .join(TillBrowser, TillBrowser.till_id == Till.id)
        .join(SignInSession, SignInSession.id == TillBrowser.session_id)
        .where(
            Store.merchant_id == merchant_id,
            SignInSession.principal_kind == Kind.TILL,
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > now,
        )
        .group_by(Till.id)
    )
    return dict(iter(rows))


def clerks_of(session: Session, vault: Vault, store_id: UUID) -> list[NamedClerk]:
    """The store's clerks, active ones first, in the order they came."""
    rows = session.scalars(
        select(Clerk).where(Clerk.store_id == store_id).order_by(Clerk.is_active.desc(), Clerk.id)
    )
    return [NamedClerk(row.id, _name(vault, row), row.is_active) for row in rows]


def clerk_names(
    session: Session, vault: Vault, clerk_ids: Sequence[UUID | None]
) -> dict[UUID, str]:
    """The names of these clerks."""
    wanted = {id_ for id_ in clerk_ids if id_ is not None}
    if not wanted:
        return {}
    rows = session.scalars(select(Clerk).where(Clerk.id.in_(wanted)))
    return {row.id: _name(vault, row) for row in rows}


def has_clerks(session: Session, till_id: UUID) -> bool:
    """Whether somebody has to come on duty at this till."""
    return session.execute(
        select(
            exists()
            .where(Clerk.store_id == Till.store_id, Till.id == till_id, Clerk.is_active)
            .select_from(Clerk, Till)
        )
    ).scalar_one()


def clerk_at_till(session: Session, till_id: UUID, clerk_id: UUID) -> ClerkAtTill | None:
    """The clerk, if active and of the till's store."""
    row = session.execute(
        select(Clerk.pin_set_at, Store.clerk_idle_min)
        .join(Store, Store.id == Clerk.store_id)
        .join(Till, Till.store_id == Store.id)
        .where(Clerk.id == clerk_id, Clerk.is_active, Till.id == till_id)
    ).one_or_none()
    if row is None:
        return None
    pin_set_at, idle_min = row
    return ClerkAtTill(clerk_id, idle_min * 60, epoch_ms(pin_set_at))


def current_shift(session: Session, till_id: UUID) -> Shift | None:
    """The shift that is open at the till."""
    return session.scalars(
        select(Shift).where(Shift.till_id == till_id, Shift.closed_at.is_(None))
    ).one_or_none()


def closed_shifts(session: Session, till_id: UUID) -> Sequence[Shift]:
    """The till's last closed shifts, newest first."""
    return session.scalars(
        select(Shift)
        .where(Shift.till_id == till_id, Shift.closed_at.is_not(None))
        .order_by(Shift.opened_at.desc(), Shift.id.desc())
        .limit(SHIFTS_SHOWN)
    ).all()


def shift_of_till(session: Session, till_id: UUID, shift_id: UUID) -> Shift:
    """A shift of this till, with the till and its store.

    Raises:
        ShiftNotFoundError: the till has no such shift.
    """
    found = session.scalars(
        select(Shift)
        .where(Shift.id == shift_id, Shift.till_id == till_id)
        .options(joinedload(Shift.till).joinedload(Till.store))
    ).one_or_none()
    if found is None:
        raise ShiftNotFoundError
    return found


def _name(vault: Vault, clerk: Clerk) -> str:
    return vault.open_text(NAME_FIELD, clerk.name_sealed)
