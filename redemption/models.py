"""Orders that were paid in part with vouchers, the redemptions of each, and refunds."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import Base


class OrderState(StrEnum):
    REDEEMED = "redeemed"
    REVERSED = "reversed"
    # A reversal came before its original; the row keeps the late original out.
    TOMBSTONE = "tombstone"


class RedemptionState(StrEnum):
    REDEEMED = "redeemed"
    REVERSED = "reversed"
    # The goods came back in full, and by its campaign's policy the voucher did too.
    RETURNED = "returned"


class Order(Base):
    """One order number of one merchant, and what became of it. Amounts in fen.

    Attributes:
        fingerprint: SHA-256 of what the request meant, to tell a repeat from another order.
        order_fen, after_discount_fen: before and after the merchant's own discount.
        goods: how much of `after_discount_fen` is for goods of a kind that some campaigns exclude.
        discount_fen: what the vouchers took off together.
        refunded_fen: the worth of goods that came back, out of `after_discount_fen`.
        clerk_id: who was on duty at the till.
        shift_id, reversed_shift_id: the shifts it was paid and reversed in. The database fills
            them, whoever stores the order: see `merchants.tills.models.Shift`.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("merchant_id", "order_no"),
        CheckConstraint(
            "discount_fen >= 0 AND discount_fen <= after_discount_fen"
            " AND after_discount_fen <= order_fen",
            name="discount_within_order",
        ),
        CheckConstraint(
            "refunded_fen >= 0 AND refunded_fen <= after_discount_fen", name="refund_within_order"
        ),
        CheckConstraint("(state = 'redeemed') = (reversed_at IS NULL)", name="reversed_when"),
        Index("ix_orders_till_id", "till_id", "redeemed_at"),
        Index("ix_orders_merchant_id", "merchant_id", "redeemed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    order_no: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[OrderState] = mapped_column(Text)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    till_id: Mapped[UUID | None] = mapped_column(ForeignKey("tills.id"))  # none at a virtual store
    clerk_id: Mapped[UUID | None] = mapped_column(ForeignKey("clerks.id"))
    shift_id: Mapped[UUID | None] = mapped_column(ForeignKey("shifts.id"))
    reversed_shift_id: Mapped[UUID | None] = mapped_column(ForeignKey("shifts.id"))
    channel: Mapped[Channel] = mapped_column(Text)
    order_fen: Mapped[int]
    after_discount_fen: Mapped[int]
    goods: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    discount_fen: Mapped[int]
    refunded_fen: Mapped[int] = mapped_column(server_default=text("0"))
    redeemed_at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]

    redemptions: Mapped[list["Redemption"]] = relationship(
        lazy="raise", order_by="Redemption.position", back_populates="order"
    )


class Redemption(Base):
    """One voucher that paid part of an order. Amounts in fen.

    Where, when and at whose till is the order's and is kept here too, for those who look at
    redemptions by place and time. Category, zone and tags are those of the store at that moment:
    later changes of the store do not rewrite history.

    Attributes:
        position: 1 for the first voucher of the order.
        discount_fen: what this voucher took off: the district's share.
        turnover_fen: the part of the order's `after_discount_fen` that counts as this voucher's.
        refunded_discount_fen, refunded_turnover_fen: what of each came back by refunds.
        proof_counter: of the phone's proof, where one was shown.
    """

    __tablename__ = "redemptions"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint(
            "discount_fen > 0 AND discount_fen <= turnover_fen", name="discount_within_turnover"
        ),
        CheckConstraint(
            "refunded_discount_fen BETWEEN 0 AND discount_fen"
            " AND refunded_turnover_fen BETWEEN 0 AND turnover_fen",
            name="refund_within_redemption",
        ),
        CheckConstraint("(state = 'reversed') = (reversed_at IS NOT NULL)", name="reversed_when"),
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
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    state: Mapped[RedemptionState] = mapped_column(Text)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    till_id: Mapped[UUID | None] = mapped_column(ForeignKey("tills.id"))
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("vouchers.id"))
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    node_id: Mapped[UUID] = mapped_column(ForeignKey("budget_nodes.id"))
    discount_fen: Mapped[int]
    turnover_fen: Mapped[int]
    refunded_discount_fen: Mapped[int] = mapped_column(server_default=text("0"))
    refunded_turnover_fen: Mapped[int] = mapped_column(server_default=text("0"))
    proof_counter: Mapped[int | None]
    channel: Mapped[Channel] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    zone: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    redeemed_at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]

    order: Mapped[Order] = relationship(lazy="raise", back_populates="redemptions")


class Refund(Base):
    """Goods of an order that came back, once. Never changed afterwards. Amounts in fen.

    Attributes:
        refund_no: the merchant's number of this refund, to tell a repeat from another one.
        goods_fen: what the goods had cost, out of the order's `after_discount_fen`.
        customer_fen, district_fen: what of it the customer and the vouchers had paid; they add up.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("merchant_id", "refund_no"),
        CheckConstraint(
            "goods_fen > 0 AND customer_fen >= 0 AND district_fen >= 0"
            " AND customer_fen + district_fen = goods_fen",
            name="parts_add_up",
        ),
        Index("ix_refunds_order_id", "order_id"),
        Index("ix_refunds_till_id", "till_id", "refunded_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    till_id: Mapped[UUID | None] = mapped_column(ForeignKey("tills.id"))
    clerk_id: Mapped[UUID | None] = mapped_column(ForeignKey("clerks.id"))
    shift_id: Mapped[UUID | None] = mapped_column(ForeignKey("shifts.id"))
    refund_no: Mapped[str] = mapped_column(Text)
    goods_fen: Mapped[int]
    customer_fen: Mapped[int]
    district_fen: Mapped[int]
    refunded_at: Mapped[datetime]


class RefundShare(Base):
    """What a refund gives back of one redemption, in fen.

    Attributes:
        district_fen: of what the voucher had taken off.
        turnover_fen: of what counts as the voucher's turnover.
        returns_voucher: its holder may use the voucher again.
    """

    __tablename__ = "refund_shares"
    __table_args__ = (
        CheckConstraint("district_fen >= 0 AND turnover_fen >= 0", name="share_not_negative"),
        Index("ix_refund_shares_redemption_id", "redemption_id"),
    )

    refund_id: Mapped[UUID] = mapped_column(ForeignKey("refunds.id"), primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemptions.id"), primary_key=True)
    district_fen: Mapped[int]
    turnover_fen: Mapped[int]
    returns_voucher: Mapped[bool]
