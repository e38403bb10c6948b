"""The bank's word on payouts, applied to items and accounts. `settle` shows the accounting."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coupon_service.ledger.models import Standing
from coupon_service.ledger.payables import shift
from merchants.models import SettlementLine
from merchants.settlement.netting import post_cancelled, post_netted


def confirm(session: Session, batch_id: UUID, payout_ids: Collection[UUID]) -> None:
    """The money has moved, or there was none to move: items are paid, debits set off."""
    if not payout_ids:
        return
    _shift_lines(session, batch_id, payout_ids, Standing.PAID, "paid")
    post_netted(session, batch_id, payout_ids)


def reject(
    session: Session, batch_id: UUID, payout_ids: Collection[UUID], *, now: datetime
) -> None:
    """The money has not moved: items are payable again, for a later batch."""
    if not payout_ids:
        return
    # First the items: a reversal that is under way holds its item's row, so whatever stays
    # behind here has been reversed for good.
    _shift_lines(session, batch_id, payout_ids, Standing.PAYABLE, "rejected")
    post_cancelled(session, batch_id, payout_ids)
    session.execute(
        update(SettlementLine)
        .where(SettlementLine.payout_id.in_(payout_ids))
        .values(voided_at=now)
        .execution_options(synchronize_session=False)
    )


def _shift_lines(
    session: Session,
    batch_id: UUID,
    payout_ids: Collection[UUID],
    target: Standing,
    reason: str,
) -> None:
    lines = select(SettlementLine.payable_id).where(SettlementLine.payout_id.in_(payout_ids))
    shift(
        session,
        session.scalars(lines).all(),
        Standing.IN_FLIGHT,
        target,
        txn_id=batch_id,
        reason=reason,
    )
