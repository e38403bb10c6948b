"""Who waits for a release, and how much of what came back to it has been given out again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Sequence,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base

PLACES = Sequence("waiting_entries_place_seq", metadata=Base.metadata)


class WaitingList(Base):
    """The list of one release; its row is locked while the list is served.

    Attributes:
        recycled: vouchers that became void or expired and whose value was given out again.
    """

    __tablename__ = "waiting_lists"
    __table_args__ = (CheckConstraint("recycled >= 0", name="recycled_not_negative"),)

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    recycled: Mapped[int] = mapped_column(server_default=text("0"))


class WaitingEntry(Base):
    """One resident on the list of one release.

    Attributes:
        place: the order of joining; whoever leaves and joins again gets a new one, at the end.
        left_at: when they left, or when it was their turn and they could not have one.
        refused: the slug of why they could not.
    """

    __tablename__ = "waiting_entries"
    __table_args__ = (
        UniqueConstraint("release_id", "resident_id"),
        CheckConstraint("(served_at IS NULL) = (voucher_id IS NULL)", name="served_with_voucher"),
        CheckConstraint("served_at IS NULL OR left_at IS NULL", name="served_or_left"),
        CheckConstraint("refused IS NULL OR left_at IS NOT NULL", name="refused_has_left"),
        Index(
            "ix_waiting_entries_queue",
            "release_id",
            "place",
            postgresql_where=text("served_at IS NULL AND left_at IS NULL"),
        ),
        Index("ix_waiting_entries_resident_id", "resident_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    place: Mapped[int] = mapped_column(BigInteger, PLACES, server_default=PLACES.next_value())
    joined_at: Mapped[datetime]
    served_at: Mapped[datetime | None]
    voucher_id: Mapped[UUID | None] = mapped_column(ForeignKey("vouchers.id"), unique=True)
    left_at: Mapped[datetime | None]
    refused: Mapped[str | None] = mapped_column(Text)
