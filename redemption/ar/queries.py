"""Shared reads of the AR hook."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from redemption.ar.errors import ArAnchorUnknownError, ArSessionUnknownError
from redemption.ar.models import ArAnchor, ArProvider, ArSession
from redemption.models import Redemption


def anchors(session: Session, *, after: str | None, limit: int) -> Sequence[ArAnchor]:
    """Anchors of active providers in the order of their codes, those after `after`."""
    wanted = _live_anchors().order_by(ArAnchor.code).limit(limit)
    if after is not None:
        wanted = wanted.where(ArAnchor.code > after)
    return session.scalars(wanted).all()


def anchor_or_404(session: Session, anchor_id: UUID) -> ArAnchor:
    """An anchor of an active provider.

    Raises:
        ArAnchorUnknownError
    """
    anchor = session.scalars(_live_anchors().where(ArAnchor.id == anchor_id)).one_or_none()
    if anchor is None:
        raise ArAnchorUnknownError
    return anchor


def own_session(
    session: Session, resident_id: UUID, session_id: UUID
) -> tuple[ArSession, int | None]:
    """A resident's session with its anchor, and what its redemption took off, in fen.

    Raises:
        ArSessionUnknownError: none, or somebody else's.
    """
    row = session.execute(
        select(ArSession, Redemption.discount_fen)
        .outerjoin(Redemption, Redemption.id == ArSession.redemption_id)
        .where(ArSession.id == session_id, ArSession.resident_id == resident_id)
        .options(joinedload(ArSession.anchor))
    ).one_or_none()
    if row is None:
        raise ArSessionUnknownError
    return row[0], row[1]


def _live_anchors() -> Select[ArAnchor]:
    return (
        select(ArAnchor)
        .join(ArProvider, ArProvider.id == ArAnchor.provider_id)
        .where(ArProvider.is_active)
    )
