"""Importing the bank's answer: all of it, or nothing when any line is wrong.

A bank may answer in parts, and the same answer may come again: what is known already changes
nothing, and what contradicts it is a fault.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.log import get_logger
from merchants.models import BatchState, Merchant, Payout, PayoutState, SettlementBatch
from merchants.settlement.answer_file import AnswerLine, LineFault, read_answer, refusal
from merchants.settlement.confirm import confirm, reject
from merchants.settlement.errors import BatchNotFoundError

log = get_logger(__name__)


@dataclass(frozen=True)
class AnswerSummary:
    """How many payouts the file settled, sent back or merely repeated, and how many remain."""

    batch_id: UUID
    paid: int
    rejected: int
    repeated: int
    open: int


def batch_of(content: bytes) -> UUID:
    """Which batch an answer is about.

    Raises:
        BankAnswerInvalidError: the file has faults.
    """
    return read_answer(content)[0].batch_id


def import_answer(
    session: Session, batch_id: UUID, content: bytes, *, now: datetime
) -> AnswerSummary:
    """Mark the batch's payouts paid or rejected as the bank's CSV says, with their money.

    Raises:
        BatchNotFoundError: there is no such batch.
        BankAnswerInvalidError: some line is malformed, or does not fit what was instructed.
    """
    lines = read_answer(content)
    # Two imports at once: the second waits here and finds its answers known.
    batch = session.scalars(
        select(SettlementBatch)
        .where(SettlementBatch.id == batch_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if batch is None:
        raise BatchNotFoundError
    payouts = _payouts(session, batch_id)
    faults = [
        LineFault(line.line, fault)
        for line in lines
        if (fault := _misfit(line, batch_id, payouts.get(line.position)))
    ]
    if faults:
        raise refusal(faults)

    fresh = [line for line in lines if payouts[line.position][0].state == PayoutState.INSTRUCTED]
    paid = _mark(payouts, fresh, PayoutState.PAID, now)
    rejected = _mark(payouts, fresh, PayoutState.REJECTED, now)
    session.flush()
    confirm(session, batch_id, paid)
    reject(session, batch_id, rejected, now=now)
    open_count = sum(payout.state == PayoutState.INSTRUCTED for payout, _ in payouts.values())
    if open_count == 0 and batch.state == BatchState.INSTRUCTED:
        batch.state = BatchState.SETTLED
        batch.settled_at = now
    session.flush()
    summary = AnswerSummary(batch_id, len(paid), len(rejected), len(lines) - len(fresh), open_count)
    log.info(
        "bank answer imported",
        batch_id=str(batch_id),
        paid=summary.paid,
        rejected=summary.rejected,
        repeated=summary.repeated,
        open=summary.open,
    )
    return summary


def _payouts(session: Session, batch_id: UUID) -> dict[int, tuple[Payout, str]]:
    """The batch's payouts with their merchant's code, by position."""
    rows = session.execute(
        select(Payout, Merchant.code)
        .join(Merchant, Merchant.id == Payout.merchant_id)
        .where(Payout.batch_id == batch_id)
        .execution_options(populate_existing=True)
    )
    return {payout.position: (payout, code) for payout, code in rows}


def _misfit(line: AnswerLine, batch_id: UUID, found: tuple[Payout, str] | None) -> str | None:
    """Why a line does not fit what was instructed, or None if it does."""
    if line.batch_id != batch_id:
        return "another batch"
    if found is None or found[0].state == PayoutState.NETTED:
        return "the payout file has no such position"
    payout, code = found
    if line.merchant_code != code:
        return "another merchant than instructed"
    if line.amount_fen != payout.amount_fen:
        return "another amount than instructed"
    if payout.state == PayoutState.INSTRUCTED:
        return None
    answered = (payout.state == PayoutState.PAID, payout.bank_reference)
    return None if answered == (line.is_paid, line.bank_reference) else "answered otherwise before"


def _mark(
    payouts: dict[int, tuple[Payout, str]],
    lines: list[AnswerLine],
    state: PayoutState,
    now: datetime,
) -> list[UUID]:
    """Store the answers of one kind; returns the ids of their payouts."""
    marked = []
    for line in lines:
        if line.is_paid != (state is PayoutState.PAID):
            continue
        payout, _ = payouts[line.position]
        payout.state = state
        payout.bank_reference = line.bank_reference
        payout.answered_at = now
        marked.append(payout.id)
    return marked
