"""The merchant sub-ledger: each redemption's money, and the moves it can make."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select, text, update
from sqlalchemy.orm import Session

from coupon_service.core.db import as_rows
from coupon_service.core.errors import ConflictError
from coupon_service.ledger.accounts import AccountRef, open_accounts
from coupon_service.ledger.models import AccountKind, Payable, Standing
from coupon_service.ledger.post import Movement, Posting, post, post_all

_MOVES: Mapping[Standing, frozenset[Standing]] = {
    Standing.PAYABLE: frozenset({Standing.HELD, Standing.IN_FLIGHT, Standing.REVERSED}),
    Standing.HELD: frozenset({Standing.PAYABLE, Standing.REVERSED}),
    Standing.IN_FLIGHT: frozenset({Standing.PAID, Standing.PAYABLE, Standing.REVERSED}),
    Standing.PAID: frozenset({Standing.REVERSED}),
    Standing.REVERSED: frozenset(),
}


class PayableMovedError(ConflictError):
    slug = "payable-moved"
    title = "The money of this redemption has moved on meanwhile"
    sentence = "这笔款项的状态已变化，请刷新后再试。"


@dataclass(frozen=True)
class NewPayable:
    """A redemption's claim on the district. `discount_fen` ≤ `reserved_fen`, the voucher's face."""

    redemption_id: UUID
    season_id: UUID
    merchant_id: UUID
    release_id: UUID
    node_id: UUID
    reserved_fen: int
    discount_fen: int
    incurred_at: datetime


def merchant_account(season_id: UUID, merchant_id: UUID, standing: Standing) -> AccountRef:
    """The account that holds a merchant's money in that standing.

    `IN_FLIGHT` is kept per merchant too; the batch is on each payable.
    """
    return AccountRef(season_id, AccountKind(standing.value), merchant_id)


def open_merchant_accounts(session: Session, season_id: UUID, merchant_id: UUID) -> None:
    """Open what a merchant needs to take part in a season."""
    standings = [s for s in Standing if s is not Standing.REVERSED]
    open_accounts(
        session,
        [
            *(merchant_account(season_id, merchant_id, standing) for standing in standings),
            AccountRef(season_id, AccountKind.MERCHANT_DEBIT, merchant_id),
        ],
    )


_INSERT = text(
    """
    INSERT INTO payables (id, season_id, merchant_id, release_id, amount_fen, standing, incurred_at)
    SELECT redemption_id, season_id, merchant_id, release_id, discount_fen, 'payable', incurred_at
    FROM json_to_recordset(CAST(:rows AS json))
        AS new (redemption_id uuid, season_id uuid, merchant_id uuid, release_id uuid,
                discount_fen bigint, incurred_at timestamptz)
    """
)


def incur(session: Session, payables: Sequence[NewPayable]) -> None:
    """Owe merchants these discounts; what of a face was not needed goes back to its node."""
    session.execute(_INSERT, {"rows": as_rows(vars(new) for new in payables)})
    post_all(session, [Posting(new.redemption_id, "redeem", _incurred(new)) for new in payables])


def _incurred(new: NewPayable) -> Sequence[Movement]:
    reserved = AccountRef(new.season_id, AccountKind.RESERVED, new.release_id)
    node = AccountRef(new.season_id, AccountKind.BUDGET, new.node_id)
    payable = merchant_account(new.season_id, new.merchant_id, Standing.PAYABLE)
    return [
        Movement(reserved, payable, new.discount_fen),
        Movement(reserved, node, new.reserved_fen - new.discount_fen),
    ]


def shift(
    session: Session,
    payable_ids: Collection[UUID],
    source: Standing,
    target: Standing,
    *,
    txn_id: UUID,
    reason: str,
    batch_id: UUID | None = None,
) -> list[Payable]:
    """Move those of the payables that stand at `source` to `target`; returns the moved ones.

    One conditional UPDATE decides, so a payable that another act moved first is simply not among
    the returned. One transfer is posted per merchant and season.

    Raises:
        ValueError: money never makes that move, or it is a reversal, which `take_back_all` does.
    """
    if target not in _MOVES[source] or target is Standing.REVERSED:
        raise ValueError(f"a payable does not go from {source} to {target}")
    if not payable_ids:
        return []
    values: dict[str, object] = {"standing": target}
    if target is Standing.IN_FLIGHT:
        values["batch_id"] = batch_id
    elif target is Standing.PAYABLE:
        values["batch_id"] = None
    # One array parameter, because a batch may have more items than a statement has parameters;
    # and rows are locked in one order, or a hold and a settlement could wait for each other.
    wanted = bindparam("payable_ids", list(payable_ids), ARRAY(Uuid()))
    locked = (
        select(Payable.id)
        .where(Payable.id == any_(wanted), Payable.standing == source)
        .order_by(Payable.id)
        .with_for_update(key_share=True)
    )
    moved = session.scalars(
        update(Payable)
        .where(Payable.id.in_(locked), Payable.standing == source)
        .values(values)
        .returning(Payable)
    ).all()
    post(session, txn_id, reason, _movements(moved, source, target))
    return list(moved)


@dataclass(frozen=True)
class TakeBack:
    """Part of a redemption's claim that comes back, or all that is left of it. Amounts in fen.

    Attributes:
        reserve_fen: reserved again for a voucher that its holder gets back; 0 if none is.
    """

    payable_id: UUID
    part_fen: int
    node_id: UUID
    reserve_fen: int


def take_back_all(session: Session, parts: Sequence[TakeBack]) -> None:
    """Undo these parts of redemptions' claims.

    What is not paid yet goes to the voucher that is reserved again, and the rest to the budget
    node. What is in flight or paid cannot be called back from the bank: it becomes a merchant
    debit, netted in a later batch. What a voucher then still lacks is reserved out of the node.

    Raises:
        PayableMovedError: less than that is owed by now.
        InsufficientFundsError: the node cannot reserve that much.
    """
    wanted = {part.payable_id: part for part in parts}
    # In one order for everybody, or this and a settlement could wait for each other.
    payables = session.scalars(
        select(Payable)
        .where(Payable.id.in_(wanted))
        .order_by(Payable.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    freed: list[Posting] = []
    reserved: list[Posting] = []
    for payable in payables:
        part = wanted[payable.id]
        if part.part_fen > payable.owed_fen:
            raise PayableMovedError
        freed.append(Posting(payable.id, "take-back", _freed(payable, part)))
        reserved.append(Posting(payable.id, "take-back", [_reserved_anew(payable, part)]))
        payable.returned_fen += part.part_fen
        if payable.owed_fen == 0:
            payable.standing = Standing.REVERSED
    session.flush()
    # First what comes in, so that one part may pay for what another needs.
    post_all(session, freed)
    post_all(session, reserved)


def _kept_fen(payable: Payable, part: TakeBack) -> int:
    """What of the part goes to the voucher without passing through the node."""
    unpaid = payable.standing in (Standing.PAYABLE, Standing.HELD)
    return min(part.part_fen, part.reserve_fen) if unpaid else 0


def _freed(payable: Payable, part: TakeBack) -> list[Movement]:
    standing = Standing(payable.standing)
    if standing is Standing.REVERSED:  # nothing was left of it, and the part is nothing
        return []
    held_by = merchant_account(payable.season_id, payable.merchant_id, standing)
    if standing in (Standing.IN_FLIGHT, Standing.PAID):
        debit = AccountRef(payable.season_id, AccountKind.MERCHANT_DEBIT, payable.merchant_id)
        return [Movement(held_by, debit, part.part_fen)]
    kept_fen = _kept_fen(payable, part)
    return [
        Movement(held_by, _reserve(payable), kept_fen),
        Movement(held_by, _node(payable, part), part.part_fen - kept_fen),
    ]


def _reserved_anew(payable: Payable, part: TakeBack) -> Movement:
    missing_fen = part.reserve_fen - _kept_fen(payable, part)
    return Movement(_node(payable, part), _reserve(payable), missing_fen)


def _reserve(payable: Payable) -> AccountRef:
    return AccountRef(payable.season_id, AccountKind.RESERVED, payable.release_id)


def _node(payable: Payable, part: TakeBack) -> AccountRef:
    return AccountRef(payable.season_id, AccountKind.BUDGET, part.node_id)


def _movements(moved: Sequence[Payable], source: Standing, target: Standing) -> list[Movement]:
    sums: dict[tuple[UUID, UUID], int] = {}
    for payable in moved:
        key = (payable.season_id, payable.merchant_id)
        sums[key] = sums.get(key, 0) + payable.owed_fen
    return [
        Movement(merchant_account(*key, source), merchant_account(*key, target), amount_fen)
        for key, amount_fen in sums.items()
    ]
