"""Judging one redemption after it happened.

What is held, and why not more: when a redemption's findings weigh enough, the redemptions that
make up their patterns are held, and nothing else of the merchant. A merchant whose case is open
already gets every further redemption with any finding held too, but that one only. Clean
redemptions stay payable, so an honest store with one bad till is not starved. Money that a person
has released is not held again, and money that is with the bank is not called back: the case file
names it, and recovery goes through a merchant debit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from fraud.holds import hold
from fraud.models import Case, CaseState, StoredFinding
from fraud.rules import CASE_WEIGHT, Finding, judge
from fraud.signals import Subject, find_subject, gather

# Undecided for this long, the case lapses and its money is payable again.
DECIDE_WITHIN_DAYS = 10


def check_redemption(session: Session, redemption_id: UUID, *, now: datetime) -> Sequence[Finding]:
    """Run the rules on a redemption, store what they find, and hold its pattern if that suffices.

    Running twice changes nothing. A redemption that was reversed meanwhile is not judged.
    """
    subject = find_subject(session, redemption_id)
    if subject is None:
        return []
    findings = judge(gather(session, subject))
    if not findings:
        return []
    _store(session, subject, findings, now)
    if sum(finding.weight for finding in findings) >= CASE_WEIGHT:
        case_id = _open_or_join(session, subject, now)
        suspicious = frozenset[UUID]().union(*(finding.pattern for finding in findings))
    elif (joined := _open_case(session, subject)) is not None:
        case_id = joined
        suspicious = frozenset({redemption_id})
    else:
        return findings
    session.execute(
        update(StoredFinding)
        .where(StoredFinding.redemption_id.in_(suspicious), StoredFinding.case_id.is_(None))
        .values(case_id=case_id)
    )
    hold(session, case_id, suspicious, now=now)
    return findings


def _store(session: Session, subject: Subject, findings: Sequence[Finding], now: datetime) -> None:
    session.execute(
        insert(StoredFinding)
        .values(
            [
                {
                    "id": new_id(),
                    "redemption_id": subject.redemption_id,
                    "merchant_id": subject.merchant_id,
                    "rule": finding.rule,
                    "rule_version": finding.version,
                    "weight": finding.weight,
                    "evidence": dict(finding.evidence),
                    "found_at": now,
                }
                for finding in findings
            ]
        )
        .on_conflict_do_nothing(index_elements=["redemption_id", "rule"])
    )


def _open_or_join(session: Session, subject: Subject, now: datetime) -> UUID:
    """The merchant's open case, locked. A decision that comes first makes room for a new one."""
    while True:
        opened = session.execute(
            insert(Case)
            .values(
                id=new_id(),
                season_id=subject.season_id,
                merchant_id=subject.merchant_id,
                opened_at=now,
                due_at=now + timedelta(days=DECIDE_WITHIN_DAYS),
            )
            .on_conflict_do_nothing()
            .returning(Case.id)
        ).scalar_one_or_none()
        case_id = opened or _open_case(session, subject)
        if case_id is not None:
            return case_id


def _open_case(session: Session, subject: Subject) -> UUID | None:
    # The lock makes a decision wait for this check's holds, so that it ends them too.
    return session.execute(
        select(Case.id)
        .where(
            Case.merchant_id == subject.merchant_id,
            Case.season_id == subject.season_id,
            Case.state == CaseState.OPEN,
        )
        .with_for_update()
    ).scalar_one_or_none()
