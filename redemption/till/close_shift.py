"""Close: a shift ends, and its totals stay as they are."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from merchants.tills.errors import ShiftClosedError, ShiftNotFoundError
from merchants.tills.models import Shift
from redemption.till.totals import totals_of


def close_shift(
    session: Session, till_id: UUID, shift_id: UUID, clerk_id: UUID | None, *, now: datetime
) -> None:
    """End the till's shift and keep its totals.

    The lock waits for whatever is joining the shift at this moment, and what comes later finds no
    open shift; so what is added up is all there will ever be.

    Raises:
        ShiftNotFoundError: the till has no such shift.
        ShiftClosedError: it ended before.
    """
    found = session.execute(
        select(Shift.opened_at, Shift.closed_at)
        .where(Shift.id == shift_id, Shift.till_id == till_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise ShiftNotFoundError
    opened_at, closed_at = found
    if closed_at is not None:
        raise ShiftClosedError
    session.execute(
        update(Shift)
        .where(Shift.id == shift_id, Shift.closed_at.is_(None))
        .values(
            closed_by=clerk_id,
            closed_at=max(now, opened_at),
            **totals_of(session, shift_id).as_columns(),
        )
        .execution_options(synchronize_session=False)
    )
