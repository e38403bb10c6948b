"""No hold lasts for ever: a case that nobody decides in time lapses."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coupon_service.core.jobs import emit
from fraud.holds import end_holds
from fraud.models import Case, CaseState

TOPIC = "fraud.case-lapsed"
LAPSE_REASON = "逾期未处理，系统自动解除冻结"


def lapse_overdue(session: Session, *, now: datetime) -> Sequence[UUID]:
    """Free the money of every undecided case past its due time; returns the cases' ids."""
    overdue = session.scalars(
        select(Case.id)
        .where(Case.state == CaseState.OPEN, Case.due_at <= now)
        .order_by(Case.id)
        .with_for_update(skip_locked=True)
    ).all()
    for case_id in overdue:
        session.execute(
            update(Case)
            .where(Case.id == case_id)
            .values(state=CaseState.LAPSED, decided_at=now, reason=LAPSE_REASON)
        )
        end_holds(session, case_id, now=now)
        emit(session, TOPIC, case_id=case_id)
    return overdue
