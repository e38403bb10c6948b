"""Grant next: carry a grant on for some people. Each run is one transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from coupon_service.campaigns.models import Release, ReleaseState
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.lists.give import Line, give
from coupon_service.issuance.lists.models import (
    Grant,
    GrantOutcome,
    GrantState,
    ListMember,
    Outcome,
)
from coupon_service.issuance.lists.queries import answers_to
from coupon_service.residents.models import Resident

BATCH = 128
BATCHES_PER_RUN = 8


def grant_next(session: Session, gate: Gate, release_id: UUID, *, now: datetime) -> bool:
    """Serve the grant's next lines, then those who waited and have come; returns whether to go on.

    The grant's row is locked throughout, so that runs at the same time take turns. While the
    release is paused, or not open yet, nothing happens.

    Raises:
        ProblemError: not now; what `give` raises.
    """
    grant = session.execute(
        select(Grant).where(Grant.release_id == release_id).with_for_update()
    ).scalar_one_or_none()
    if grant is None or not _may_give(session, grant, now):
        return False
    for _ in range(BATCHES_PER_RUN):
        running = grant.state == GrantState.RUNNING
        lines = _next_lines(session, grant) if running else _read(session, _arrived(grant))
        if lines:
            give(session, gate, grant, lines, were_waiting=not running)
            grant.touched_at = now
            if running:
                grant.next_line = lines[-1].line_no + 1
        elif running:
            _finish(grant, now)
        else:
            return False
    return True


def grant_to(session: Session, gate: Gate, resident_id: UUID, *, now: datetime) -> None:
    """Serve one resident, whose name was just confirmed, on every list they were waiting on.

    A run that is under way may have read the resident as unknown; it holds the grant's row, so
    waiting for the row means seeing what that run wrote.
    """
    grants = session.scalars(
        select(Grant)
        .join(Release, Release.id == Grant.release_id)
        .where(
            Grant.list_id.in_(
                select(ListMember.list_id)
                .join(Resident, answers_to(ListMember.person_index))
                .where(Resident.id == resident_id)
            ),
            Release.state == ReleaseState.OPEN,
        )
        .order_by(Grant.release_id)
        .with_for_update(of=Grant)
    ).all()
    for grant in grants:
        if _may_give(session, grant, now):
            lines = _read(session, _arrived(grant).where(Resident.id == resident_id))
            if lines:
                give(session, gate, grant, lines, were_waiting=True)


def _may_give(session: Session, grant: Grant, now: datetime) -> bool:
    """Whether the release takes claims now; locked as by a claim, so that it goes on doing so."""
    release = session.execute(
        select(Release.state, Release.opens_at, Release.closes_at)
        .where(Release.id == grant.release_id)
        .with_for_update(read=True, key_share=True)
    ).one()
    if release.state == ReleaseState.CLOSED or release.closes_at <= now:
        if grant.state == GrantState.RUNNING:
            _finish(grant, now)
        return False
    return bool(release.state == ReleaseState.OPEN and release.opens_at <= now)


def _finish(grant: Grant, now: datetime) -> None:
    grant.state, grant.done_at, grant.touched_at = GrantState.DONE, now, now


def _next_lines(session: Session, grant: Grant) -> Sequence[Line]:
    """The next lines of the list, each with its resident if there is one."""
    by_id_number, by_phone = aliased(Resident), aliased(Resident)
    return _read(
        session,
        select(ListMember.line_no, func.coalesce(by_id_number.id, by_phone.id))
        .outerjoin(
            by_id_number,
            (by_id_number.id_number_index == ListMember.person_index)
            & by_id_number.verified_at.is_not(None),
        )
        .outerjoin(
            by_phone,
            (by_phone.phone_index == ListMember.person_index) & by_phone.verified_at.is_not(None),
        )
        .where(ListMember.list_id == grant.list_id, ListMember.line_no >= grant.next_line)
        .order_by(ListMember.line_no)
        .limit(BATCH),
    )


def _arrived(grant: Grant) -> Select[int, UUID | None]:
    """Those who waited and have a confirmed name by now."""
    return (
        select(GrantOutcome.line_no, Resident.id)
        .join(
            ListMember,
            (ListMember.list_id == grant.list_id) & (ListMember.line_no == GrantOutcome.line_no),
        )
        .join(Resident, answers_to(ListMember.person_index))
        .where(GrantOutcome.release_id == grant.release_id, GrantOutcome.outcome == Outcome.WAITING)
        .order_by(GrantOutcome.line_no)
        .limit(BATCH)
    )


def _read(session: Session, lines: Select[int, UUID | None]) -> list[Line]:
    return [Line(line_no, resident_id) for line_no, resident_id in session.execute(lines)]
