"""A resident's sign-ins: which browsers, and ending them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind
from coupon_service.core.models import SignInSession
from coupon_service.residents.errors import SessionNotFoundError


def live_sessions(session: Session, resident_id: UUID, *, now: datetime) -> list[SignInSession]:
    """The browsers that are signed in, the latest first."""
    rows = session.scalars(
        select(SignInSession)
        .where(*_live(resident_id, now))
        .order_by(SignInSession.created_at.desc(), SignInSession.id.desc())
    )
    return list(rows)


def end_session_of(session: Session, resident_id: UUID, session_id: UUID, *, now: datetime) -> None:
    """Sign one browser out. It notices within `core.auth.FRESH_S`. Again changes nothing.

    Raises:
        SessionNotFoundError: there is none of this resident's with that id.
    """
    ended = session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, *_of(resident_id))
        .values(revoked_at=func.coalesce(SignInSession.revoked_at, now))
        .returning(SignInSession.id)
    ).scalar_one_or_none()
    if ended is None:
        raise SessionNotFoundError


def end_other_sessions(
    session: Session, resident_id: UUID, keep_id: UUID | None, *, now: datetime
) -> int:
    """Sign every other browser out; returns how many."""
    ended = session.execute(
        update(SignInSession)
        .where(SignInSession.id != keep_id, *_live(resident_id, now))
        .values(revoked_at=now)
        .returning(SignInSession.id)
    ).all()
    return len(ended)


def _live(resident_id: UUID, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        *_of(resident_id),
        SignInSession.revoked_at.is_(None),
        SignInSession.expires_at > now,
    )


def _of(resident_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        SignInSession.principal_kind == Kind.RESIDENT,
        SignInSession.principal_id == resident_id,
    )
