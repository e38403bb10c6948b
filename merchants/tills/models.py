"""Pairing codes, the browsers that act as a till, clerks, and shifts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from coupon_service.core.db import Base
from coupon_service.core.models import SignInSession
from merchants.models import Till

WRONG_PINS_MAX = 5


class TillPairing(Base):
    """The pairing code that is open for a till. Using it deletes the row; a new one replaces it."""

    __tablename__ = "till_pairings"

    till_id: Mapped[UUID] = mapped_column(ForeignKey("tills.id"), primary_key=True)
    code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # keyed hash of the code
    made_by: Mapped[UUID]  # the merchant's person
    expires_at: Mapped[datetime]


class TillBrowser(Base):
    """A browser that is signed in as a till.

    Attributes:
        name: what the cashier called the device; none if they did not.
        paired_by: whose pairing code it used; none: it was signed in with the till's key.
        last_used_at: within a minute.
    """

    __tablename__ = "till_browsers"
    __table_args__ = (Index("ix_till_browsers_till_id", "till_id"),)

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("sign_in_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    till_id: Mapped[UUID] = mapped_column(ForeignKey("tills.id"))
    name: Mapped[str | None] = mapped_column(Text)
    paired_by: Mapped[UUID | None]
    last_used_at: Mapped[datetime]

    sign_in: Mapped[SignInSession] = relationship(lazy="raise")


class Clerk(Base):
    """Somebody who works at a store's tills and has a PIN. Never deleted: orders name them."""

    __tablename__ = "clerks"
    __table_args__ = (UniqueConstraint("store_id", "name_index"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    name_index: Mapped[bytes] = mapped_column(LargeBinary)
    pin_hash: Mapped[bytes] = mapped_column(LargeBinary)  # keyed
    pin_set_at: Mapped[datetime]  # whoever came on duty before is off
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ClerkTries(Base):
    """How often a clerk's PIN was typed wrong at one till, in a row. A right one deletes it."""

    __tablename__ = "clerk_tries"
    __table_args__ = (
        CheckConstraint(f"wrong_tries BETWEEN 1 AND {WRONG_PINS_MAX}", name="wrong_tries_bounded"),
    )

    clerk_id: Mapped[UUID] = mapped_column(ForeignKey("clerks.id"), primary_key=True)
    till_id: Mapped[UUID] = mapped_column(ForeignKey("tills.id"), primary_key=True)
    wrong_tries: Mapped[int] = mapped_column(SmallInteger)
    tried_at: Mapped[datetime]


class Shift(Base):
    """A time at a till from opening to closing, with its totals, which never change afterwards.

    Orders, reversals and refunds join the shift that is open at their till when they are stored. A
    trigger does it, whoever stores them, so that a shift that is being closed waits for them, or
    they for it. Amounts are in fen.

    Attributes:
        opened_by, closed_by: the clerks; none where the store has none.
        order_count, order_fen, discount_fen, paid_fen: of the orders paid in the shift, whatever
            became of them: their worth before any discount, what vouchers took off, what customers
            paid.
        reversal_count, reversed_fen: of the reversals made in the shift, and what customers got
            back by them.
        refund_count, refunded_fen: of the refunds, likewise.
    """

    __tablename__ = "shifts"
    __table_args__ = (
        CheckConstraint("closed_at >= opened_at", name="closed_after_opened"),
        CheckConstraint(
            "num_nonnulls(closed_at, order_count, order_fen, discount_fen, paid_fen,"
            " reversal_count, reversed_fen, refund_count, refunded_fen) IN (0, 9)",
            name="totals_when_closed",
        ),
        CheckConstraint("closed_by IS NULL OR closed_at IS NOT NULL", name="closed_by_when"),
        Index("uq_shifts_open", "till_id", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_shifts_till_id", "till_id", "opened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    till_id: Mapped[UUID] = mapped_column(ForeignKey("tills.id"))
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("clerks.id"))
    opened_at: Mapped[datetime]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("clerks.id"))
    closed_at: Mapped[datetime | None]
    order_count: Mapped[int | None]
    order_fen: Mapped[int | None]
    discount_fen: Mapped[int | None]
    paid_fen: Mapped[int | None]
    reversal_count: Mapped[int | None]
    reversed_fen: Mapped[int | None]
    refund_count: Mapped[int | None]
    refunded_fen: Mapped[int | None]

    till: Mapped[Till] = relationship(lazy="raise")
