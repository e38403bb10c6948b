"""What a merchant sees of its own money. Everything is derived from ledger and settlement."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.models import Season
from coupon_service.ledger.accounts import AccountRef
from coupon_service.ledger.models import AccountKind, Payable, Standing
from coupon_service.ledger.payables import merchant_account
from coupon_service.ledger.queries import balance_fen
from merchants.models import Merchant, Payout, SettlementBatch

ITEMS_SHOWN = 20
PAYOUTS_SHOWN = 12


@dataclass(frozen=True)
class Statement:
    """A merchant's account of one season. Amounts in fen.

    Attributes:
        debit_fen: what was paid and then reversed, and is not set off yet.
        items: the last redemptions, newest first.
        payouts: the last payouts with batch and account, newest first.
    """

    payable_fen: int
    held_fen: int
    in_flight_fen: int
    paid_fen: int
    debit_fen: int
    items: Sequence[Payable]
    payouts: Sequence[Payout]


def merchant_seasons(session: Session, merchant_id: UUID) -> Sequence[Season]:
    """The seasons of the merchant's district, latest first."""
    return session.scalars(
        select(Season)
        .join(Merchant, Merchant.district_id == Season.district_id)
        .where(Merchant.id == merchant_id)
        .order_by(Season.starts_at.desc(), Season.id.desc())
    ).all()


def statement(session: Session, season_id: UUID, merchant_id: UUID) -> Statement:
    """The merchant's account of that season."""

    def standing_fen(standing: Standing) -> int:
        return balance_fen(session, merchant_account(season_id, merchant_id, standing))

    debit = AccountRef(season_id, AccountKind.MERCHANT_DEBIT, merchant_id)
    items = session.scalars(
        select(Payable)
        .where(Payable.season_id == season_id, Payable.merchant_id == merchant_id)
        .order_by(Payable.incurred_at.desc(), Payable.id.desc())
        .limit(ITEMS_SHOWN)
    ).all()
    payouts = session.scalars(
        select(Payout)
        .join(SettlementBatch, SettlementBatch.id == Payout.batch_id)
        .where(Payout.merchant_id == merchant_id, SettlementBatch.season_id == season_id)
        .options(joinedload(Payout.batch), joinedload(Payout.account))
        .order_by(Payout.id.desc())
        .limit(PAYOUTS_SHOWN)
    ).all()
    return Statement(
        payable_fen=standing_fen(Standing.PAYABLE),
        held_fen=standing_fen(Standing.HELD),
        in_flight_fen=standing_fen(Standing.IN_FLIGHT),
        paid_fen=standing_fen(Standing.PAID),
        debit_fen=balance_fen(session, debit),
        items=items,
        payouts=payouts,
    )
