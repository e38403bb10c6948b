"""What an official decides about a case. One conditional UPDATE, so nobody decides twice.

The caller writes the audit log in the same transaction.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from fraud.check import DECIDE_WITHIN_DAYS
from fraud.errors import CaseDecidedError, CaseNotFoundError, CaseNotProlongableError
from fraud.holds import end_holds
from fraud.models import Case, CaseState

# However often it is prolonged, an undecided case holds money no longer than this.
UNDECIDED_DAYS_MAX = 30


def release(
    session: Session, case_id: UUID, *, official_id: UUID, reason: str, now: datetime
) -> int:
    """Nothing is wrong: the case's money is payable again. Returns the number of payables freed.

    Raises:
        CaseNotFoundError: there is no such case.
        CaseDecidedError: it is not open any more.
    """
    _decide(session, case_id, CaseState.RELEASED, official_id=official_id, reason=reason, now=now)
    return end_holds(session, case_id, now=now)


def confirm(
    session: Session, case_id: UUID, *, official_id: UUID, reason: str, now: datetime
) -> None:
    """It is fraud: the money stays held for recovery, and the gate refuses the merchant.

    Raises:
        CaseNotFoundError: there is no such case.
        CaseDecidedError: it is not open any more.
    """
    _decide(session, case_id, CaseState.CONFIRMED, official_id=official_id, reason=reason, now=now)


def prolong(session: Session, case_id: UUID, *, now: datetime) -> datetime:
    """Give the officials more time, counted from now; returns when the case lapses.

    Raises:
        CaseNotFoundError: there is no such case.
        CaseDecidedError: it is not open any more.
        CaseNotProlongableError: its time is at the limit, counted from its opening.
    """
    limit = Case.opened_at + timedelta(days=UNDECIDED_DAYS_MAX)
    due_at = session.execute(
        update(Case)
        .where(Case.id == case_id, Case.state == CaseState.OPEN, Case.due_at < limit)
        .values(
            due_at=func.greatest(
                Case.due_at, func.least(limit, now + timedelta(days=DECIDE_WITHIN_DAYS))
            )
        )
        .returning(Case.due_at)
    ).scalar_one_or_none()
    if due_at is None:
        _refuse_unless_open(session, case_id)
        raise CaseNotProlongableError
    return due_at


def _decide(
    session: Session,
    case_id: UUID,
    verdict: CaseState,
    *,
    official_id: UUID,
    reason: str,
    now: datetime,
) -> None:
    decided = session.execute(
        update(Case)
        .where(Case.id == case_id, Case.state == CaseState.OPEN)
        .values(state=verdict, decided_at=now, decided_by=official_id, reason=reason)
        .returning(Case.id)
    ).scalar_one_or_none()
    if decided is None:
        _refuse_unless_open(session, case_id)


def _refuse_unless_open(session: Session, case_id: UUID) -> None:
    state = session.execute(select(Case.state).where(Case.id == case_id)).scalar_one_or_none()
    if state is None:
        raise CaseNotFoundError
    if state != CaseState.OPEN:
        raise CaseDecidedError
