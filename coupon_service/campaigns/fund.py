"""Public money enters a season, and comes down the budget tree."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import BudgetNode, Season
from coupon_service.core.ids import new_id
from coupon_service.ledger.accounts import AccountRef, open_accounts
from coupon_service.ledger.models import AccountKind
from coupon_service.ledger.post import Movement, post


def treasury(season_id: UUID) -> AccountRef:
    return AccountRef(season_id, AccountKind.TREASURY, season_id)


def budget(season_id: UUID, node_id: UUID) -> AccountRef:
    return AccountRef(season_id, AccountKind.BUDGET, node_id)


def reserved(season_id: UUID, release_id: UUID) -> AccountRef:
    return AccountRef(season_id, AccountKind.RESERVED, release_id)


def appropriate(session: Session, season: Season, amount_fen: int) -> None:
    """Grant the season public money: it appears in its treasury account."""
    source = AccountRef(season.id, AccountKind.APPROPRIATION, season.id)
    open_accounts(session, [source, treasury(season.id)])
    post(session, new_id(), "appropriate", [Movement(source, treasury(season.id), amount_fen)])


def allocate(session: Session, node: BudgetNode, amount_fen: int) -> None:
    """Move money one level down: from the treasury to a board, or from a node to its child.

    Raises:
        InsufficientFundsError: the level above does not hold that much.
    """
    source = (
        treasury(node.season_id)
        if node.parent_id is None
        else budget(node.season_id, node.parent_id)
    )
    open_accounts(session, [budget(node.season_id, node.id)])
    post(
        session,
        new_id(),
        "allocate",
        [Movement(source, budget(node.season_id, node.id), amount_fen)],
    )


def give_back_unused(session: Session, node_id: UUID, amount_fen: int) -> None:
    """Move money that a node does not need one level up again.

    Raises:
        InsufficientFundsError: the node has reserved or spent it.
    """
    node = session.execute(select(BudgetNode).where(BudgetNode.id == node_id)).scalar_one()
    target = (
        treasury(node.season_id)
        if node.parent_id is None
        else budget(node.season_id, node.parent_id)
    )
    post(
        session,
        new_id(),
        "give-back",
        [Movement(budget(node.season_id, node.id), target, amount_fen)],
    )
