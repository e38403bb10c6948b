"""Reading the ledger: a balance is what came in less what went out."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.ledger.accounts import AccountRef
from coupon_service.ledger.models import Account, AccountKind, Transfer


def balance_fen(session: Session, ref: AccountRef) -> int:
    """The balance of one account, in fen; zero for one that was never opened."""
    came_in = select(func.coalesce(func.sum(Transfer.amount_fen), 0)).where(
        Transfer.to_account_id == ref.id
    )
    went_out = select(func.coalesce(func.sum(Transfer.amount_fen), 0)).where(
        Transfer.from_account_id == ref.id
    )
    return int(
        session.execute(select(came_in.scalar_subquery() - went_out.scalar_subquery())).scalar_one()
    )


def balances_fen(
    session: Session, season_id: UUID, kinds: Sequence[AccountKind]
) -> dict[tuple[AccountKind, UUID], int]:
    """Balances of all accounts of these kinds in a season, by kind and owner, in fen."""
    came_in = (
        select(func.coalesce(func.sum(Transfer.amount_fen), 0))
        .where(Transfer.to_account_id == Account.id)
        .correlate(Account)
        .scalar_subquery()
    )
    went_out = (
        select(func.coalesce(func.sum(Transfer.amount_fen), 0))
        .where(Transfer.from_account_id == Account.id)
        .correlate(Account)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Account.kind, Account.owner_id, came_in - went_out).where(
            Account.season_id == season_id, Account.kind.in_(kinds)
        )
    )
    return {(AccountKind(kind), owner_id): int(amount) for kind, owner_id, amount in rows}


def season_totals_fen(session: Session, season_id: UUID) -> dict[AccountKind, int]:
    """What each kind of account holds in all, in fen. The appropriation is negative."""
    totals = dict.fromkeys(AccountKind, 0)
    for (kind, _), amount in balances_fen(session, season_id, list(AccountKind)).items():
        totals[kind] += amount
    return totals
