"""Withdraw: a redemption was undone, and what it had earned goes back if it is still unused."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.vouchers.errors import VoucherStateError
from coupon_service.vouchers.lifecycle import void
from coupon_service.vouchers.models import VoidReason
from redemption.awards.models import Award


def withdraw(session: Session, redemption_id: UUID, *, now: datetime) -> int:
    """Cancel the unused vouchers an undone redemption had earned; returns how many.

    One that was used meanwhile stays used: its merchant gave goods for it.
    """
    earned = session.scalars(
        select(Award)
        .where(
            Award.redemption_id == redemption_id,
            Award.voucher_id.is_not(None),
            Award.withdrawn_at.is_(None),
        )
        .with_for_update()
    ).all()
    count = 0
    for record in earned:
        assert record.voucher_id is not None
        try:
            void(session, record.voucher_id, VoidReason.UNEARNED)
        except VoucherStateError:
            continue
        record.withdrawn_at = now
        count += 1
    session.flush()
    return count
