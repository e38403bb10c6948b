"""Merchants, their stores, tills and users; settlement batches and payouts."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from coupon_service.core.db import Base


class MerchantState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"  # cannot redeem; is still paid for clean past redemptions


class BatchState(StrEnum):
    INSTRUCTED = "instructed"  # the payout file exists; money is in flight
    SETTLED = "settled"  # the bank has answered for every payout


class PayoutState(StrEnum):
    INSTRUCTED = "instructed"
    PAID = "paid"
    REJECTED = "rejected"  # by the bank; its items are payable again
    NETTED = "netted"  # wholly set off against what the merchant owed; no bank transfer


class Merchant(Base):
    __tablename__ = "merchants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("districts.id"), index=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[MerchantState] = mapped_column(Text, server_default="active")
    is_illustration: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PayoutAccount(Base):
    """A bank account of a merchant. A change adds a row; the newest effective one is paid."""

    __tablename__ = "payout_accounts"
    __table_args__ = (Index("ix_payout_accounts_merchant_id", "merchant_id", "effective_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    holder: Mapped[str] = mapped_column(Text)
    bank: Mapped[str] = mapped_column(Text)
    number_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    number_last4: Mapped[str] = mapped_column(Text)
    effective_at: Mapped[datetime]


class Store(Base):
    """A place of sale. `opens`/`closes` are local; `closes` before `opens` crosses midnight."""

    __tablename__ = "stores"
    __table_args__ = (
        CheckConstraint("lat BETWEEN -90 AND 90", name="lat_in_degrees"),
        CheckConstraint("lon BETWEEN -180 AND 180", name="lon_in_degrees"),
        CheckConstraint("channel IN ('onsite', 'virtual')", name="channel_known"),
        CheckConstraint("clerk_idle_min BETWEEN 2 AND 120", name="clerk_idle_bounded"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    zone: Mapped[str] = mapped_column(Text)
    street: Mapped[str] = mapped_column(Text)  # 街道, one of the district's fifteen
    address: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    opens: Mapped[time]
    closes: Mapped[time]
    channel: Mapped[str] = mapped_column(Text, server_default="onsite")
    # How long a till may be left alone before the clerk has to type the PIN again.
    clerk_idle_min: Mapped[int] = mapped_column(SmallInteger, server_default=text("10"))

    merchant: Mapped[Merchant] = relationship(lazy="raise")


class Till(Base):
    """A point of sale with a key of its own, kept as a hash.

    One that is `signed_only` proves itself by signed requests; its key opens nothing.
    """

    __tablename__ = "tills"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    signed_only: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    store: Mapped[Store] = relationship(lazy="raise")


class PosKey(Base):
    """What a point-of-sale system signs its requests with; a till has two at most, for a change.

    The secret is kept sealed and not as a hash, because an HMAC is checked by making it again.
    """

    __tablename__ = "pos_keys"
    __table_args__ = (
        CheckConstraint("slot IN (1, 2)", name="two_slots"),
        Index(
            "uq_pos_keys_live",
            "till_id",
            "slot",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    till_id: Mapped[UUID] = mapped_column(ForeignKey("tills.id"))
    slot: Mapped[int] = mapped_column(SmallInteger)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    is_test: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]


class MerchantUser(Base):
    """A person of a merchant who signs in with a password."""

    __tablename__ = "merchant_users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SettlementBatch(Base):
    """What the district owes each merchant up to a cut-off. Never edited once instructed.

    `line_count` counts redemptions; `payout_count` and `total_fen` are those of the payout file.
    `left_out` has who could not be paid: `merchant_id`, `reason`, `items`, `items_fen`.
    """

    __tablename__ = "settlement_batches"
    __table_args__ = (
        UniqueConstraint("season_id", "cutoff_at"),
        CheckConstraint("(state = 'settled') = (settled_at IS NOT NULL)", name="settled_when"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    cutoff_at: Mapped[datetime]
    state: Mapped[BatchState] = mapped_column(Text)
    line_count: Mapped[int] = mapped_column(Integer)
    payout_count: Mapped[int] = mapped_column(Integer)
    total_fen: Mapped[int]
    file_sha256: Mapped[str] = mapped_column(Text)
    left_out: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]


class SettlementLine(Base):
    """One redemption in one batch; in at most one batch that the bank has not rejected.

    A line of a rejected payout is voided and kept: the batch still shows what it instructed.
    """

    __tablename__ = "settlement_lines"
    __table_args__ = (
        Index(
            "uq_settlement_lines_live",
            "payable_id",
            unique=True,
            postgresql_where=text("voided_at IS NULL"),
        ),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
    )

    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"), primary_key=True)
    payable_id: Mapped[UUID] = mapped_column(ForeignKey("payables.id"), primary_key=True)
    amount_fen: Mapped[int]
    voided_at: Mapped[datetime | None]


class SettlementNetting(Base):
    """How much of a paid and then reversed redemption one payout sets off.

    It counts unless the payout was rejected.
    """

    __tablename__ = "settlement_nettings"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        Index("ix_settlement_nettings_payable_id", "payable_id"),
    )

    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"), primary_key=True)
    payable_id: Mapped[UUID] = mapped_column(ForeignKey("payables.id"), primary_key=True)
    amount_fen: Mapped[int]


class Payout(Base):
    """One merchant's part of a batch: one transfer by the bank, `amount_fen`.

    `amount_fen + netted_fen` is the worth of its lines. The merchant's name is the one of that day:
    a later change must not alter the payout file.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        UniqueConstraint("batch_id", "merchant_id"),
        UniqueConstraint("batch_id", "position"),
        CheckConstraint("amount_fen >= 0 AND netted_fen >= 0", name="amounts_not_negative"),
        CheckConstraint("item_count > 0", name="has_items"),
        CheckConstraint("(state = 'netted') = (amount_fen = 0)", name="netted_moves_no_money"),
        CheckConstraint("(state = 'instructed') = (answered_at IS NULL)", name="answered_when"),
        CheckConstraint("state <> 'paid' OR bank_reference IS NOT NULL", name="paid_by_reference"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("settlement_batches.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    merchant_name: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("payout_accounts.id"))
    position: Mapped[int] = mapped_column(Integer)  # line of the payout file, from 1
    item_count: Mapped[int] = mapped_column(Integer)
    amount_fen: Mapped[int]  # what the bank transfers
    netted_fen: Mapped[int] = mapped_column(server_default=text("0"))  # kept for a merchant debit
    state: Mapped[PayoutState] = mapped_column(Text)
    bank_reference: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]

    batch: Mapped[SettlementBatch] = relationship(lazy="raise")
    merchant: Mapped[Merchant] = relationship(lazy="raise")
    account: Mapped[PayoutAccount] = relationship(lazy="raise")
