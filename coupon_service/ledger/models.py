"""Accounts, transfers between them, and the sub-ledger of what is owed to merchants."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class AccountKind(StrEnum):
    """Where a season's money can be. Only `APPROPRIATION`, its source, may be negative."""

    APPROPRIATION = "appropriation"
    TREASURY = "treasury"
    BUDGET = "budget"
    RESERVED = "reserved"
    PAYABLE = "payable"
    HELD = "held"
    IN_FLIGHT = "in_flight"
    PAID = "paid"
    MERCHANT_DEBIT = "merchant_debit"
    OFFLINE_LOSS = "offline_loss"


class Standing(StrEnum):
    """Where the money of one redemption stands; each value is the account kind that holds it."""

    PAYABLE = "payable"
    HELD = "held"
    IN_FLIGHT = "in_flight"
    PAID = "paid"
    REVERSED = "reversed"


class Account(Base):
    """An account of one season. `owner_id` is the node, release, merchant, batch or season."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (UniqueConstraint("season_id", "kind", "owner_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    season_id: Mapped[UUID]
    kind: Mapped[AccountKind] = mapped_column(Text)
    owner_id: Mapped[UUID]


class Transfer(Base):
    """Money moving from one account to another. Never updated, never deleted.

    One row has both sides, so a transfer that does not balance cannot be written. Transfers of one
    business act share a `txn_id`.
    """

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("from_account_id <> to_account_id", name="two_accounts"),
        Index("ix_ledger_transfers_from", "from_account_id", postgresql_include=["amount_fen"]),
        Index("ix_ledger_transfers_to", "to_account_id", postgresql_include=["amount_fen"]),
    )

    seq: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    txn_id: Mapped[UUID]
    from_account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_accounts.id"))
    to_account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_accounts.id"))
    amount_fen: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Payable(Base):
    """One redemption's claim on the district: an open item of the merchant sub-ledger.

    Redemption adds it, fraud holds it, settlement pays it. `standing` names the account kind that
    holds its money at this moment, so each item is in exactly one place, and what is owed of the
    items of a merchant in one standing adds up to that account's balance.

    `returned_fen` came back by reversal or by refunds, all of it once reversed: what is owed is
    `amount_fen - returned_fen`.
    """

    __tablename__ = "payables"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint(
            "(standing IN ('in_flight', 'paid')) <= (batch_id IS NOT NULL)", name="batched"
        ),
        CheckConstraint(
            "returned_fen >= 0 AND returned_fen <= amount_fen"
            " AND (returned_fen = amount_fen) = (standing = 'reversed')",
            name="reversed_when_returned",
        ),
        Index("ix_payables_merchant", "season_id", "merchant_id", "standing", "incurred_at"),
        Index("ix_payables_batch_id", "batch_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)  # the redemption's id
    season_id: Mapped[UUID]
    merchant_id: Mapped[UUID]
    release_id: Mapped[UUID]
    amount_fen: Mapped[int]
    returned_fen: Mapped[int] = mapped_column(server_default=text("0"))
    standing: Mapped[Standing] = mapped_column(Text)
    batch_id: Mapped[UUID | None]
    incurred_at: Mapped[datetime]

    @property
    def owed_fen(self) -> int:
        return self.amount_fen - self.returned_fen
