"""Background work of lists: importing, granting, and finding what was left lying."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Release, ReleaseState
from coupon_service.core.clock import db_now
from coupon_service.core.jobs import emit_job
from coupon_service.core.resources import resources
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lists import grant_next as grants
from coupon_service.issuance.lists.import_lines import import_lines
from coupon_service.issuance.lists.models import (
    Grant,
    GrantOutcome,
    GrantState,
    ListMember,
    ListState,
    Outcome,
    ResidentList,
)
from coupon_service.issuance.lists.queries import answers_to
from coupon_service.issuance.lists.start_grant import GRANT
from coupon_service.issuance.lists.upload import IMPORT

# Longer than a run and its way through the queue take, so that nothing that goes on is doubled.
STALLED_AFTER = timedelta(minutes=2)


def import_next(session: Session, *, list_id: UUID) -> None:
    """Import some lines; the next run follows by itself."""
    if import_lines(session, resources().vault, list_id, now=db_now(session)):
        emit_job(session, IMPORT, list_id=list_id)


def grant_next(session: Session, *, release_id: UUID) -> None:
    """Serve some people; the next run follows by itself."""
    if grants.grant_next(session, gate(), release_id, now=db_now(session)):
        emit_job(session, GRANT, release_id=release_id)


def grant_to_verified(session: Session, *, resident_id: UUID) -> None:
    """A resident has confirmed a real name: give what they were waiting for."""
    grants.grant_to(session, gate(), resident_id, now=db_now(session))


def revive(session: Session) -> None:
    """Go on with imports that stand still, and with grants that do though their release is open.

    A grant waits here for its release to open or to go on after a pause.
    """
    now = db_now(session)
    stalled = now - STALLED_AFTER
    # Touched here, so that what cannot go on yet is asked for again after a while, not at once.
    for list_id in session.scalars(
        update(ResidentList)
        .where(ResidentList.state == ListState.IMPORTING, ResidentList.touched_at < stalled)
        .values(touched_at=now)
        .returning(ResidentList.id)
    ):
        emit_job(session, IMPORT, list_id=list_id)
    for release_id in session.scalars(
        update(Grant)
        .where(
            Release.id == Grant.release_id,
            Grant.state == GrantState.RUNNING,
            Release.state != ReleaseState.PAUSED,
            Release.opens_at <= now,
            (Grant.touched_at < stalled) | (Grant.touched_at < Release.opens_at),
        )
        .values(touched_at=now)
        .returning(Grant.release_id)
    ):
        emit_job(session, GRANT, release_id=release_id)


def look_for_arrived(session: Session) -> None:
    """Find those who wait and have a confirmed name: by a new phone, say, or after a pause."""
    waiting = exists().where(
        GrantOutcome.release_id == Grant.release_id,
        GrantOutcome.outcome == Outcome.WAITING,
        ListMember.list_id == Grant.list_id,
        ListMember.line_no == GrantOutcome.line_no,
        answers_to(ListMember.person_index),
    )
    for release_id in session.scalars(
        select(Grant.release_id)
        .join(Release, Release.id == Grant.release_id)
        .where(Grant.state == GrantState.DONE, Grant.waiting > 0)
        .where(Release.state == ReleaseState.OPEN, Release.closes_at > db_now(session), waiting)
    ):
        emit_job(session, GRANT, release_id=release_id)
