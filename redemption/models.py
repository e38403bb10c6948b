"""Redemptions: a voucher paid part of one order at one store."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import Base


class RedemptionState(StrEnum):
    REDEEMED = "redeemed"
    REVERSED = "reversed"
    # A reversal came before its original; the row keeps the late original out.
    TOMBSTONE = "tombstone"


class Redemption(Base):
    """One order number of one merchant, and what became of it.

    Category, zone and tags are those of the store at that moment: later changes of the store do
    not rewrite history.
    """

    __tablename__ = "redemptions"
    __table_args__ = (
        UniqueConstraint("merchant_id", "order_no"),
        CheckConstraint(
            "(state = 'tombstone') = (voucher_id IS NULL)", name="only_tombstones_lack_voucher"
        ),
        CheckConstraint(
            "discount_fen >= 0 AND discount_fen <= after_discount_fen"
            " AND after_discount_fen <= order_fen",
            name="discount_within_order",
        ),
        CheckConstraint("(state = 'redeemed') = (reversed_at IS NULL)", name="reversed_when"),
        # A phone's proof pays once, even if what it paid for was reversed.
        Index(
            "uq_redemptions_proof",
            "voucher_id",
            "proof_counter",
            unique=True,
            postgresql_where="proof_counter IS NOT NULL",
        ),
        # A voucher pays once; a reversed redemption no longer counts.
        Index(
            "uq_redemptions_live_voucher",
            "voucher_id",
            unique=True,
            postgresql_where="state = 'redeemed'",
        ),
        Index("ix_redemptions_voucher_id", "voucher_id"),
        Index("ix_redemptions_till_id", "till_id", "redeemed_at"),
        Index("ix_redemptions_merchant_id", "merchant_id", "redeemed_at"),
        Index("ix_redemptions_season_id", "season_id", "redeemed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    order_no: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of the request's meaning
    state: Mapped[RedemptionState] = mapped_column(Text)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    till_id: Mapped[UUID | None] = mapped_column(ForeignKey("tills.id"))  # none at a virtual store
    voucher_id: Mapped[UUID | None] = mapped_column(ForeignKey("vouchers.id"))
    season_id: Mapped[UUID | None] = mapped_column(ForeignKey("seasons.id"))
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("budget_nodes.id"))
    order_fen: Mapped[int]  # before the merchant's own discount
    after_discount_fen: Mapped[int]  # after it, before the voucher
    discount_fen: Mapped[int]  # what the voucher took off: the district's share
    proof_counter: Mapped[int | None]  # of the phone's proof, where one was shown
    channel: Mapped[Channel] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    zone: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    redeemed_at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]
