"""Writing to the ledger: the only code that inserts transfers."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from coupon_service.core.db import as_rows
from coupon_service.core.errors import ConflictError
from coupon_service.ledger.accounts import AccountRef
from coupon_service.ledger.models import Account, AccountKind
from coupon_service.ledger.queries import balance_fen

# Accounts whose sufficiency no other row guards, so posting out of them locks and checks. A
# release's `reserved` is guarded by its vouchers, and a merchant's accounts by its payables:
# locking those would put every till of a campaign into one queue.
_CHECKED_KINDS = frozenset(
    {
        AccountKind.TREASURY,
        AccountKind.BUDGET,
        AccountKind.MERCHANT_DEBIT,
        AccountKind.OFFLINE_LOSS,
    }
)


class InsufficientFundsError(ConflictError):
    slug = "insufficient-funds"
    title = "The account does not hold that much"
    sentence = "账户余额不足。"


@dataclass(frozen=True)
class Movement:
    """`amount_fen` > 0 from one account to another."""

    source: AccountRef
    target: AccountRef
    amount_fen: int


@dataclass(frozen=True)
class Posting:
    """The movements of one business act.

    `txn_id` is the id of what caused them (a release, a redemption, a batch); its transfers are
    found by it.
    """

    txn_id: UUID
    reason: str
    movements: Sequence[Movement]


_INSERT = text(
    """
    INSERT INTO ledger_transfers (txn_id, from_account_id, to_account_id, amount_fen, reason)
    SELECT * FROM json_to_recordset(CAST(:rows AS json))
        AS new (txn_id uuid, source_id uuid, target_id uuid, amount_fen bigint, reason text)
    """
)


def post(session: Session, txn_id: UUID, reason: str, movements: Sequence[Movement]) -> None:
    """Record the movements of one business act. A movement of zero fen is left out.

    Raises:
        InsufficientFundsError: the treasury, a budget node or a merchant debit would go negative.
    """
    post_all(session, [Posting(txn_id, reason, movements)])


def post_all(session: Session, postings: Sequence[Posting]) -> None:
    """`post` for several acts.

    Raises:
        InsufficientFundsError: the treasury, a budget node or a merchant debit would go negative.
    """
    real = [
        (posting, movement)
        for posting in postings
        for movement in posting.movements
        if movement.amount_fen
    ]
    if not real:
        return
    drawn: dict[AccountRef, int] = {}
    for _, movement in real:
        if movement.source.kind in _CHECKED_KINDS:
            drawn[movement.source] = drawn.get(movement.source, 0) + movement.amount_fen
    # One order for everybody, or two acts could wait for each other.
    for ref in sorted(drawn, key=lambda ref: ref.id):
        _lock(session, ref)
        if balance_fen(session, ref) < drawn[ref]:
            raise InsufficientFundsError(available_fen=balance_fen(session, ref))
    rows = [
        {
            "txn_id": posting.txn_id,
            "source_id": movement.source.id,
            "target_id": movement.target.id,
            "amount_fen": movement.amount_fen,
            "reason": posting.reason,
        }
        for posting, movement in real
    ]
    session.execute(_INSERT, {"rows": as_rows(rows)})


def _lock(session: Session, ref: AccountRef) -> None:
    # Not FOR UPDATE: that would also stop inserts that merely refer to the account.
    session.execute(select(Account.id).where(Account.id == ref.id).with_for_update(key_share=True))
