"""Leave: a resident no longer waits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from coupon_service.issuance.waiting.errors import NotWaitingError
from coupon_service.issuance.waiting.models import WaitingEntry


def leave(session: Session, release_id: UUID, resident_id: UUID, *, now: datetime) -> None:
    """Take the resident off the list.

    Raises:
        NotWaitingError: they are not on it, or their turn has come already.
    """
    left = session.execute(
        update(WaitingEntry)
        .where(
            WaitingEntry.release_id == release_id,
            WaitingEntry.resident_id == resident_id,
            WaitingEntry.served_at.is_(None),
            WaitingEntry.left_at.is_(None),
        )
        .values(left_at=now)
        .returning(WaitingEntry.id)
    ).scalar_one_or_none()
    if left is None:
        raise NotWaitingError
