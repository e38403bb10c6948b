"""A lottery's draw, its entries, their ranks, and the parts of its published file."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from coupon_service.campaigns.models import Release
from coupon_service.core.db import Base

SALT_BYTES = 16


class DrawState(StrEnum):
    COLLECTING = "collecting"  # announced; its window still decides
    CLOSED = "closed"  # the root is published, the seed does not exist yet
    LATE = "late"  # could not be closed before the seed existed: announce again
    DRAWN = "drawn"  # every entry has its rank; winners are getting their vouchers
    PUBLISHED = "published"


class LotteryDraw(Base):
    """The draw of one release.

    What was announced is fixed: `announcement` is its exact text, which the seed depends on, and
    the columns beside it say the same for queries.

    Attributes:
        quantity: how many win, if as many enter.
        seed_available_at: when the seed's source will have spoken; the entries must be closed.
        merkle_root: what the entries are committed to (RFC 6962).
        block_roots, block_firsts: root and first leaf of each of the tree's blocks of 1,024
            leaves, one after the other. Between two first leaves lies one block.
        typed_evidence, typed_by_id: what one official typed, until a second one confirms it.
        evidence: what the seed's source published.
        decided_rank: ranks up to this one have their voucher or were passed over.
        winners_count: how many of them have their voucher.
        told_rank: ranks up to this one that did not win have been told.
    """

    __tablename__ = "lottery_draws"
    __table_args__ = (
        CheckConstraint("quantity >= 1", name="quantity_positive"),
        CheckConstraint("entries_close_at < seed_available_at", name="seed_in_the_future"),
        CheckConstraint("closed_at < seed_available_at", name="closed_before_the_seed"),
        CheckConstraint(
            "(state IN ('closed', 'drawn', 'published')) = (merkle_root IS NOT NULL)",
            name="root_when_closed",
        ),
        CheckConstraint(
            "(state IN ('drawn', 'published')) = (seed IS NOT NULL)", name="seed_when_drawn"
        ),
        CheckConstraint(
            "(typed_evidence IS NULL) = (typed_by_id IS NULL)", name="typed_by_somebody"
        ),
        CheckConstraint(
            "winners_count <= quantity AND winners_count <= decided_rank", name="winners_bounded"
        ),
    )

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    state: Mapped[DrawState] = mapped_column(Text, server_default="collecting")
    announcement: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    entries_close_at: Mapped[datetime]
    seed_available_at: Mapped[datetime]
    announced_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]
    entries_count: Mapped[int | None]
    merkle_root: Mapped[bytes | None] = mapped_column(LargeBinary)
    block_roots: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    block_firsts: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    typed_evidence: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    typed_by_id: Mapped[UUID | None]
    confirmed_by_id: Mapped[UUID | None]
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    drawn_at: Mapped[datetime | None]
    decided_rank: Mapped[int] = mapped_column(server_default=text("0"))
    winners_count: Mapped[int] = mapped_column(server_default=text("0"))
    told_rank: Mapped[int] = mapped_column(server_default=text("0"))
    published_at: Mapped[datetime | None]
    result_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)

    release: Mapped[Release] = relationship(lazy="raise")


class LotteryEntry(Base):
    """One person's entry. The entries of a release stand in the order of their leaves.

    Attributes:
        id: random, and of nobody: what stands for the person in the leaf.
        salt: known to the resident only, so that nobody can tell whose a published leaf is.
        entered_by_id: the relative who entered for the resident.
        leaf: SHA-256(0x00 || salt || id), which is what gets published: see docs/lottery.md.
    """

    __tablename__ = "lottery_entries"
    __table_args__ = (
        # Closing and proving read the leaves in their order from this index.
        UniqueConstraint("release_id", "leaf"),
        CheckConstraint(f"octet_length(salt) = {SALT_BYTES}", name="salt_is_whole"),
    )

    release_id: Mapped[UUID] = mapped_column(
        ForeignKey("lottery_draws.release_id"), primary_key=True
    )
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"), primary_key=True)
    id: Mapped[UUID]
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    entered_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    entered_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("residents.id"))
    leaf: Mapped[bytes] = mapped_column(
        LargeBinary, Computed(r"sha256('\x00'::bytea || salt || uuid_send(id))", persisted=True)
    )


class LotteryRank(Base):
    """Where the draw put an entry.

    Attributes:
        rank: from 1, which is drawn first.
        refusal: why a drawn entry got no voucher and the next moved up; a slug.
    """

    __tablename__ = "lottery_ranks"
    __table_args__ = (
        ForeignKeyConstraint(
            ["release_id", "resident_id"],
            ["lottery_entries.release_id", "lottery_entries.resident_id"],
        ),
        UniqueConstraint("release_id", "rank"),
        CheckConstraint("rank >= 1", name="rank_positive"),
    )

    release_id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(primary_key=True)
    rank: Mapped[int]
    refusal: Mapped[str | None] = mapped_column(Text)


class LotteryResultPart(Base):
    """A piece of the published file, compressed, in order."""

    __tablename__ = "lottery_result_parts"
    __table_args__ = (CheckConstraint("part >= 0", name="part_not_negative"),)

    release_id: Mapped[UUID] = mapped_column(
        ForeignKey("lottery_draws.release_id"), primary_key=True
    )
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
