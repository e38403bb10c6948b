"""A draw's steps in the background: what is due is looked for, and each step asks for the next."""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.jobs import ATTEMPTS_MAX, emit_job
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import resources
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lottery.advance import advance, next_step
from coupon_service.issuance.lottery.models import LotteryDraw

ADVANCE = "lottery.advance"


def look_for_due(session: Session) -> None:
    """Set going every draw that has a step to take and nobody to take it."""
    now = db_now(session)
    for draw in session.scalars(select(LotteryDraw)):
        if next_step(draw, now) is not None and _waiting_row(session, draw.release_id) is None:
            emit_job(session, ADVANCE, release_id=draw.release_id)


def advance_draw(session: Session, release_id: UUID) -> None:
    """Take one step, and ask for the next one if it can follow at once."""
    settings = resources().settings
    if advance(session, gate(), settings, release_id, now=db_now(session)) is not None:
        emit_job(session, ADVANCE, release_id=release_id)


def trouble_of(session: Session, release_id: UUID) -> str | None:
    """The kind of error that the draw's next step met last, if it is being tried again."""
    row = _waiting_row(session, release_id)
    return None if row is None else row.last_error


def try_now(session: Session, release_id: UUID) -> None:
    """Have the next step tried at once, and not when its turn comes."""
    session.execute(
        update(OutboxRow).where(_is_waiting(release_id)).values(enqueued_at=None, attempts=0)
    )
    look_for_due(session)


def _waiting_row(session: Session, release_id: UUID) -> OutboxRow | None:
    return session.scalars(select(OutboxRow).where(_is_waiting(release_id)).limit(1)).first()


def _is_waiting(release_id: UUID) -> ColumnElement[bool]:
    return and_(
        OutboxRow.done_at.is_(None),
        OutboxRow.job == ADVANCE,
        OutboxRow.attempts < ATTEMPTS_MAX,
        OutboxRow.payload["release_id"].astext == str(release_id),
    )
