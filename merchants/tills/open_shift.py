"""Open: a shift begins at a till, unless one is open there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from merchants.tills.errors import ShiftOpenError
from merchants.tills.models import Shift


def open_shift(session: Session, till_id: UUID, clerk_id: UUID | None, *, now: datetime) -> UUID:
    """Begin a shift; what the till does from now on belongs to it.

    Raises:
        ShiftOpenError: one is open there; of two at once, one wins.
    """
    opened = session.execute(
        insert(Shift)
        .values(id=new_id(), till_id=till_id, opened_by=clerk_id, opened_at=now)
        .on_conflict_do_nothing()
        .returning(Shift.id)
    ).scalar_one_or_none()
    if opened is None:
        raise ShiftOpenError
    return opened
