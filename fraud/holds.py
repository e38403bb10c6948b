"""Stopping a merchant's payables for a case, and letting them go again.

Every move goes through the ledger's `shift`, together with its hold row: what stands at `held` and
what has an unended hold row are the same payables at every commit.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.ledger.models import Standing
from coupon_service.ledger.payables import shift
from fraud.models import Hold


def hold(session: Session, case_id: UUID, payable_ids: Collection[UUID], *, now: datetime) -> int:
    """Hold those of the payables that can be; returns how many.

    What is with the bank or paid cannot be held. What a person has cleared once is not held again
    for the same pattern.
    """
    cleared = session.scalars(
        select(Hold.payable_id).where(Hold.payable_id.in_(payable_ids), Hold.ended_at.is_not(None))
    )
    moved = shift(
        session,
        set(payable_ids).difference(cleared),
        Standing.PAYABLE,
        Standing.HELD,
        txn_id=case_id,
        reason="hold",
    )
    if moved:
        session.execute(
            insert(Hold),
            [{"payable_id": item.id, "case_id": case_id, "held_at": now} for item in moved],
        )
    return len(moved)


def end_holds(session: Session, case_id: UUID, *, now: datetime) -> int:
    """End every hold of the case; its payables are payable again. Returns how many were."""
    ended = session.scalars(
        update(Hold)
        .where(Hold.case_id == case_id, Hold.ended_at.is_(None))
        .values(ended_at=now)
        .returning(Hold.payable_id)
    ).all()
    moved = shift(
        session, ended, Standing.HELD, Standing.PAYABLE, txn_id=case_id, reason="release-hold"
    )
    return len(moved)


def forget_reversed(session: Session, payable_id: UUID, *, now: datetime) -> None:
    """End the hold of a payable that was taken back out of `held`: its money is the district's."""
    session.execute(
        update(Hold)
        .where(Hold.payable_id == payable_id, Hold.ended_at.is_(None))
        .values(ended_at=now)
    )
