"""The merchant sub-ledger: each redemption's money, and the moves it can make."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select, update
from sqlalchemy.orm import Session

from coupon_service.core.errors import ConflictError
from coupon_service.ledger.accounts import AccountRef, open_accounts
from coupon_service.ledger.models import AccountKind, Payable, Standing
from coupon_service.ledger.post import Movement, post

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


def incur(session: Session, new: NewPayable) -> None:
    """Owe the merchant the discount; what a capped percentage left over goes back to its node."""
    reserved = AccountRef(new.season_id, AccountKind.RESERVED, new.release_id)
    session.add(
        Payable(
            id=new.redemption_id,
            season_id=new.season_id,
            merchant_id=new.merchant_id,
            release_id=new.release_id,
            amount_fen=new.discount_fen,
            standing=Standing.PAYABLE,
            incurred_at=new.incurred_at,
        )
    )
    session.flush()
    post(
        session,
        new.redemption_id,
        "redeem",
        [
            Movement(
                reserved,
                merchant_account(new.season_id, new.merchant_id, Standing.PAYABLE),
                new.discount_fen,
            ),
            Movement(
                reserved,
                AccountRef(new.season_id, AccountKind.BUDGET, new.node_id),
                new.reserved_fen - new.discount_fen,
            ),
        ],
    )


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
        ValueError: money never makes that move, or it is a reversal, which `reverse` does.
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


def reverse(session: Session, payable_id: UUID, *, node_id: UUID, reserved_fen: int) -> Payable:
    """Undo a redemption's claim; the voucher's face is reserved again.

    What is not paid yet goes straight back. What is in flight or paid cannot be called back from
    the bank: the district's share becomes a merchant debit, netted in a later batch, and the face
    is reserved anew out of the budget node.

    Raises:
        PayableMovedError: it was reversed before.
        InsufficientFundsError: the node cannot reserve the face again.
    """
    payable = session.execute(
        select(Payable).where(Payable.id == payable_id).with_for_update()
    ).scalar_one()
    standing = Standing(payable.standing)
    if Standing.REVERSED not in _MOVES[standing]:
        raise PayableMovedError
    season_id = payable.season_id
    reserved = AccountRef(season_id, AccountKind.RESERVED, payable.release_id)
    node = AccountRef(season_id, AccountKind.BUDGET, node_id)
    held_by = merchant_account(season_id, payable.merchant_id, standing)
    if standing in (Standing.IN_FLIGHT, Standing.PAID):
        debit = AccountRef(season_id, AccountKind.MERCHANT_DEBIT, payable.merchant_id)
        movements = [
            Movement(held_by, debit, payable.amount_fen),
            Movement(node, reserved, reserved_fen),
        ]
    else:
        movements = [
            Movement(held_by, reserved, payable.amount_fen),
            Movement(node, reserved, reserved_fen - payable.amount_fen),
        ]
    payable.standing = Standing.REVERSED
    session.flush()
    post(session, payable_id, "reverse", movements)
    return payable


def _movements(moved: Sequence[Payable], source: Standing, target: Standing) -> list[Movement]:
    sums: dict[tuple[UUID, UUID], int] = {}
    for payable in moved:
        key = (payable.season_id, payable.merchant_id)
        sums[key] = sums.get(key, 0) + payable.amount_fen
    return [
        Movement(merchant_account(*key, source), merchant_account(*key, target), amount_fen)
        for key, amount_fen in sums.items()
    ]
