"""Claim codes and who has used them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import Base

USES_MAX = 1_000_000


class ClaimCode(Base):
    """A code of a release. Only its keyed hash is kept: nobody can read it here again.

    Attributes:
        label: whom it was made for, for officials.
        channel: how its claims count: a group chat's are online, an event's are onsite.
        valid_until: first moment it no longer works; stopping it brings that forward.
    """

    __tablename__ = "claim_codes"
    __table_args__ = (
        CheckConstraint(f"uses_max BETWEEN 1 AND {USES_MAX}", name="uses_max_bounded"),
        CheckConstraint("uses BETWEEN 0 AND uses_max", name="uses_within_max"),
        CheckConstraint("channel IN ('online', 'onsite')", name="channel_known"),
        Index("ix_claim_codes_release_id", "release_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    label: Mapped[str] = mapped_column(Text)
    channel: Mapped[Channel] = mapped_column(Text)
    uses_max: Mapped[int]
    uses: Mapped[int] = mapped_column(server_default=text("0"))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    created_by: Mapped[UUID]  # the official
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ClaimCodeUse(Base):
    """A voucher that a code brought. One code brings one resident one voucher."""

    __tablename__ = "claim_code_uses"
    __table_args__ = (UniqueConstraint("code_id", "resident_id"),)

    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("vouchers.id"), primary_key=True)
    code_id: Mapped[UUID] = mapped_column(ForeignKey("claim_codes.id"))
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    used_at: Mapped[datetime] = mapped_column(server_default=func.now())
