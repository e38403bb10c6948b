"""What a merchant owes the district, and setting it off against what it is owed.

What came back of a redemption after it was instructed is a debit: the merchant gets money for goods
that came back. Such a debit can be set off from the moment the bank has confirmed that payment, in
parts and over several batches. While the payment is still in flight it cannot: should the bank
reject it, nothing is owed back.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.fund import budget
from coupon_service.campaigns.models import Campaign, Release
from coupon_service.ledger.accounts import AccountRef
from coupon_service.ledger.models import AccountKind, Payable
from coupon_service.ledger.post import Movement, post
from merchants.models import Payout, PayoutState, SettlementLine, SettlementNetting

# The bank has moved the money, or there was none to move.
CONFIRMED = (PayoutState.PAID, PayoutState.NETTED)
# What was instructed for an item, less what is owed of it now.
_OVERPAID = SettlementLine.amount_fen - (Payable.amount_fen - Payable.returned_fen)


@dataclass(frozen=True)
class Debit:
    """A redemption that came back, wholly or in part: the merchant still has `open_fen` of it."""

    payable_id: UUID
    open_fen: int


@dataclass(frozen=True)
class Part:
    """How much of a debit one payout sets off."""

    payable_id: UUID
    amount_fen: int


def open_debits(
    session: Session, season_id: UUID, merchant_ids: Collection[UUID]
) -> dict[UUID, list[Debit]]:
    """What each merchant owes in a season, oldest first. Call it with the season locked."""
    taken = (
        select(func.coalesce(func.sum(SettlementNetting.amount_fen), 0))
        .join(Payout, Payout.id == SettlementNetting.payout_id)
        .where(SettlementNetting.payable_id == Payable.id, Payout.state != PayoutState.REJECTED)
        .correlate(Payable)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Payable.merchant_id, Payable.id, _OVERPAID - taken)
        .join(SettlementLine, SettlementLine.payable_id == Payable.id)
        .join(Payout, Payout.id == SettlementLine.payout_id)
        .where(
            Payable.season_id == season_id,
            Payable.merchant_id.in_(merchant_ids),
            SettlementLine.voided_at.is_(None),
            Payout.state.in_(CONFIRMED),
            taken < _OVERPAID,
        )
        .order_by(Payable.merchant_id, Payable.incurred_at, Payable.id)
    )
    debits: dict[UUID, list[Debit]] = {}
    for merchant_id, payable_id, open_fen in rows:
        debits.setdefault(merchant_id, []).append(Debit(payable_id, int(open_fen)))
    return debits


def set_off(debits: Iterable[Debit], owed_fen: int) -> list[Part]:
    """Parts of the debits, oldest first, that together take at most `owed_fen`."""
    parts = []
    left_fen = owed_fen
    for debit in debits:
        amount_fen = min(debit.open_fen, left_fen)
        if amount_fen == 0:
            break
        parts.append(Part(debit.payable_id, amount_fen))
        left_fen -= amount_fen
    return parts


def post_netted(session: Session, batch_id: UUID, payout_ids: Collection[UUID]) -> None:
    """The district has its money back, by paying less: it returns to the budget it came from."""
    rows = session.execute(
        select(
            Payable.season_id,
            Payable.merchant_id,
            Campaign.node_id,
            func.sum(SettlementNetting.amount_fen),
        )
        .join(SettlementNetting, SettlementNetting.payable_id == Payable.id)
        .join(Release, Release.id == Payable.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(SettlementNetting.payout_id.in_(payout_ids))
        .group_by(Payable.season_id, Payable.merchant_id, Campaign.node_id)
    )
    _return_to_budget(session, batch_id, "net", rows)


def post_cancelled(session: Session, batch_id: UUID, payout_ids: Collection[UUID]) -> None:
    """The bank rejected these payouts: what came back in flight was never paid nor is owed."""
    rows = session.execute(
        select(
            Payable.season_id,
            Payable.merchant_id,
            Campaign.node_id,
            func.sum(_OVERPAID),
        )
        .join(SettlementLine, SettlementLine.payable_id == Payable.id)
        .join(Release, Release.id == Payable.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(SettlementLine.payout_id.in_(payout_ids), _OVERPAID > 0)
        .group_by(Payable.season_id, Payable.merchant_id, Campaign.node_id)
    )
    _return_to_budget(session, batch_id, "debit-cancelled", rows)


def _return_to_budget(
    session: Session,
    batch_id: UUID,
    reason: str,
    rows: Iterable[tuple[UUID, UUID, UUID, int]],
) -> None:
    post(
        session,
        batch_id,
        reason,
        [
            Movement(
                AccountRef(season_id, AccountKind.MERCHANT_DEBIT, merchant_id),
                budget(season_id, node_id),
                int(amount_fen),
            )
            for season_id, merchant_id, node_id, amount_fen in rows
        ],
    )
