"""Settlement: what the district owes each merchant up to a cut-off becomes one payout instruction.

What is owed of each redemption's discount is a payable, an item that moves as a whole. Goods
that come back in part take back a part of it in the same way as below. The accounts of a merchant,
by an example in yuan. The shop is owed 100 for ten redemptions; one of 10 was paid in an earlier
batch and its goods came back since, so the shop owes 10:

    what happens                                  movement in the ledger             amount
    ------------------------------------------    -------------------------------    ------
    instructed: all ten items leave together      payable        → in_flight            100
    the file tells the bank to transfer                                      90
    one item is reversed before the answer        in_flight      → merchant_debit        10
        its voucher is good again                 budget         → reserved            face
    a) the bank has paid 90                       in_flight      → paid                  90
        the 10 not transferred are back           merchant_debit → budget                10
        the reversed item stays a debit of 10 and is netted by a later batch
    b) the bank has rejected it                   in_flight      → payable               90
        the reversed item was never paid          merchant_debit → budget                10
        nothing was set off: the old debit stays open

So `payout.amount_fen + payout.netted_fen` is the worth of its lines, and what banks transferred is
always what stands as paid or is owed back. A payout that is netted to nothing needs no bank and is
done at once. Nothing in a batch is edited later: corrections are items of later batches.

One transaction makes a batch or nothing. The season's row is locked first, so of any number of runs
at once one makes it and the others find it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Season
from coupon_service.core.ids import new_id
from coupon_service.core.log import get_logger
from coupon_service.core.personal import Vault
from coupon_service.ledger.models import Payable, Standing
from coupon_service.ledger.payables import shift
from merchants.models import (
    BatchState,
    Merchant,
    Payout,
    PayoutAccount,
    PayoutState,
    SettlementBatch,
    SettlementLine,
    SettlementNetting,
)
from merchants.payout_account import effective_accounts
from merchants.settlement.confirm import confirm
from merchants.settlement.errors import CutoffInFutureError, SeasonNotFoundError
from merchants.settlement.netting import Part, open_debits, set_off
from merchants.settlement.payout_file import digest, render, transfers_of

NO_ACCOUNT = "no-payout-account"

log = get_logger(__name__)


@dataclass(frozen=True)
class _Due:
    """One merchant's part of the batch that is being made."""

    merchant: Merchant
    account: PayoutAccount
    items: Sequence[Payable]
    parts: Sequence[Part]

    @property
    def netted_fen(self) -> int:
        return sum(part.amount_fen for part in self.parts)

    @property
    def amount_fen(self) -> int:
        return sum(item.owed_fen for item in self.items) - self.netted_fen


def settle(
    session: Session, vault: Vault, *, season_id: UUID, cutoff_at: datetime, now: datetime
) -> SettlementBatch | None:
    """Instruct the payment of everything payable that was incurred before `cutoff_at`.

    Held items stay behind and so do merchants without an effective account; both come along in a
    later batch. Returns None when there is nothing to pay, and the batch that exists when this
    cut-off was settled before.

    Raises:
        CutoffInFutureError: `cutoff_at` is later than `now`.
        SeasonNotFoundError: there is no such season.
    """
    if cutoff_at > now:
        raise CutoffInFutureError
    season_code = _lock_season(session, season_id)
    existing = session.scalars(
        select(SettlementBatch).where(
            SettlementBatch.season_id == season_id, SettlementBatch.cutoff_at == cutoff_at
        )
    ).one_or_none()
    if existing is not None:
        return existing

    owed = select(Payable).where(
        Payable.season_id == season_id,
        Payable.standing == Standing.PAYABLE,
        Payable.incurred_at < cutoff_at,
    )
    found = session.scalars(owed.with_only_columns(Payable.merchant_id).distinct()).all()
    accounts = effective_accounts(session, found, now=now)
    left_out = _note_left_out(session, season_id, set(found) - set(accounts), cutoff_at)
    batch_id = new_id()
    moved = shift(
        session,
        session.scalars(
            owed.with_only_columns(Payable.id).where(Payable.merchant_id.in_(accounts))
        ).all(),
        Standing.PAYABLE,
        Standing.IN_FLIGHT,
        txn_id=batch_id,
        reason="settle",
        batch_id=batch_id,
    )
    if not moved:
        return None
    dues = _dues(session, season_id, moved, accounts)
    batch = _record(session, batch_id, season_id, cutoff_at, dues, now=now)
    batch.left_out = left_out
    transfers = transfers_of(session, vault, batch_id)
    batch.file_sha256 = digest(render(batch_id, season_code, cutoff_at, transfers))
    session.flush()
    netted = select(Payout.id).where(
        Payout.batch_id == batch_id, Payout.state == PayoutState.NETTED
    )
    confirm(session, batch_id, session.scalars(netted).all())
    log.info(
        "settlement instructed",
        batch_id=str(batch_id),
        lines=batch.line_count,
        payouts=batch.payout_count,
        total_fen=batch.total_fen,
    )
    return batch


def _lock_season(session: Session, season_id: UUID) -> str:
    # Not FOR UPDATE: that would also stop inserts that merely refer to the season.
    code = session.execute(
        select(Season.code).where(Season.id == season_id).with_for_update(key_share=True)
    ).scalar_one_or_none()
    if code is None:
        raise SeasonNotFoundError
    return code


def _note_left_out(
    session: Session, season_id: UUID, merchant_ids: Iterable[UUID], cutoff_at: datetime
) -> list[dict[str, object]]:
    rows = session.execute(
        select(
            Payable.merchant_id,
            func.count(),
            func.sum(Payable.amount_fen - Payable.returned_fen),
        )
        .where(
            Payable.season_id == season_id,
            Payable.standing == Standing.PAYABLE,
            Payable.incurred_at < cutoff_at,
            Payable.merchant_id.in_(merchant_ids),
        )
        .group_by(Payable.merchant_id)
        .order_by(Payable.merchant_id)
    )
    notes: list[dict[str, object]] = [
        {
            "merchant_id": str(merchant_id),
            "reason": NO_ACCOUNT,
            "items": count,
            "items_fen": int(items_fen),
        }
        for merchant_id, count, items_fen in rows
    ]
    for note in notes:
        log.warning("merchant left out of settlement", season_id=str(season_id), **note)
    return notes


def _dues(
    session: Session,
    season_id: UUID,
    moved: Sequence[Payable],
    accounts: Mapping[UUID, PayoutAccount],
) -> list[_Due]:
    """Parts of the batch in the order of the file: transfers by merchant code, then netted ones."""
    items: dict[UUID, list[Payable]] = {}
    for payable in moved:
        items.setdefault(payable.merchant_id, []).append(payable)
    merchants = session.scalars(select(Merchant).where(Merchant.id.in_(items)))
    debits = open_debits(session, season_id, items)
    dues = []
    for merchant in merchants:
        own = items[merchant.id]
        owed_fen = sum(item.owed_fen for item in own)
        parts = set_off(debits.get(merchant.id, []), owed_fen)
        dues.append(_Due(merchant, accounts[merchant.id], own, parts))
    return sorted(dues, key=lambda due: (due.amount_fen == 0, due.merchant.code))


def _record(
    session: Session,
    batch_id: UUID,
    season_id: UUID,
    cutoff_at: datetime,
    dues: Sequence[_Due],
    *,
    now: datetime,
) -> SettlementBatch:
    payouts = [
        Payout(
            id=new_id(),
            batch_id=batch_id,
            merchant_id=due.merchant.id,
            merchant_name=due.merchant.name,
            account_id=due.account.id,
            position=position,
            item_count=len(due.items),
            amount_fen=due.amount_fen,
            netted_fen=due.netted_fen,
            state=PayoutState.INSTRUCTED if due.amount_fen else PayoutState.NETTED,
            answered_at=None if due.amount_fen else now,
        )
        for position, due in enumerate(dues, start=1)
    ]
    to_transfer = [payout for payout in payouts if payout.amount_fen]
    batch = SettlementBatch(
        id=batch_id,
        season_id=season_id,
        cutoff_at=cutoff_at,
        state=BatchState.INSTRUCTED if to_transfer else BatchState.SETTLED,
        line_count=sum(len(due.items) for due in dues),
        payout_count=len(to_transfer),
        total_fen=sum(payout.amount_fen for payout in to_transfer),
        file_sha256="",
        settled_at=None if to_transfer else now,
    )
    session.add(batch)
    session.flush()
    session.add_all(payouts)
    session.flush()
    pairs = list(zip(payouts, dues, strict=True))
    session.execute(
        insert(SettlementLine),
        [
            {"payout_id": payout.id, "payable_id": item.id, "amount_fen": item.owed_fen}
            for payout, due in pairs
            for item in due.items
        ],
    )
    nettings = [
        {"payout_id": payout.id, "payable_id": part.payable_id, "amount_fen": part.amount_fen}
        for payout, due in pairs
        for part in due.parts
    ]
    if nettings:
        session.execute(insert(SettlementNetting), nettings)
    return batch
