"""An official's acts on cases, each with its entry in the audit log, in the same transaction."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from admin.audit import record
from admin.scope import district_of
from coupon_service.core.auth import Principal
from fraud import decide
from fraud.queries import case_of


def release_case(
    session: Session, official: Principal, case_id: UUID, *, reason: str, now: datetime
) -> None:
    """Nothing is wrong: the case's money is payable again.

    Raises:
        CaseNotFoundError: the official's district has no such case.
        CaseDecidedError: it is not open any more.
    """
    held_fen = case_of(session, district_of(official), case_id).held_fen
    count = decide.release(session, case_id, official_id=official.id, reason=reason, now=now)
    details = {"reason": reason, "payables": count, "held_fen": held_fen}
    record(session, official, "case.release", case_id, details)


def confirm_case(
    session: Session, official: Principal, case_id: UUID, *, reason: str, now: datetime
) -> None:
    """It is fraud: the case's money stays held.

    Raises:
        CaseNotFoundError: the official's district has no such case.
        CaseDecidedError: it is not open any more.
    """
    held_fen = case_of(session, district_of(official), case_id).held_fen
    decide.confirm(session, case_id, official_id=official.id, reason=reason, now=now)
    record(session, official, "case.confirm", case_id, {"reason": reason, "held_fen": held_fen})


def prolong_case(
    session: Session, official: Principal, case_id: UUID, *, reason: str, now: datetime
) -> None:
    """The decision needs more time.

    Raises:
        CaseNotFoundError: the official's district has no such case.
        CaseDecidedError: it is not open any more.
        CaseNotProlongableError: its time is at the limit.
    """
    case_of(session, district_of(official), case_id)
    due_at = decide.prolong(session, case_id, now=now)
    details = {"reason": reason, "due_at": due_at.isoformat()}
    record(session, official, "case.prolong", case_id, details)
