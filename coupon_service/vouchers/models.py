"""The voucher, a numbered seat of a release; and the issuer's signing keys."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
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
from sqlalchemy.orm import Mapped, mapped_column, relationship

from coupon_service.campaigns.models import Channel, Release
from coupon_service.core.db import Base


class VoucherState(StrEnum):
    ISSUED = "issued"
    REDEEMED = "redeemed"
    VOID = "void"
    EXPIRED = "expired"


class Voucher(Base):
    """One coupon held by one resident.

    The two unique constraints are what makes overselling impossible to store: one voucher per
    seat, and one per person and ordinal (the resident's 1st, 2nd … coupon of the release).
    """

    __tablename__ = "vouchers"
    __table_args__ = (
        UniqueConstraint("release_id", "seat"),
        UniqueConstraint("release_id", "resident_id", "ordinal"),
        CheckConstraint("seat >= 1", name="seat_positive"),
        CheckConstraint("ordinal >= 1", name="ordinal_positive"),
        CheckConstraint("(state = 'redeemed') = (redeemed_at IS NOT NULL)", name="redeemed_when"),
        Index("ix_vouchers_resident_id", "resident_id", "claimed_at"),
        Index(
            "ix_vouchers_claimed_by_id",
            "claimed_by_id",
            postgresql_where=text("claimed_by_id IS NOT NULL"),
        ),
        Index("ix_vouchers_expiring", "expires_at", postgresql_where=text("state = 'issued'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    seat: Mapped[int] = mapped_column(Integer)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    ordinal: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[VoucherState] = mapped_column(Text, server_default="issued")
    claim_channel: Mapped[Channel] = mapped_column(Text)
    device_hash: Mapped[bytes | None] = mapped_column(LargeBinary)  # of the claiming browser
    # Who pressed the button, where it was not the resident: a relative, or an official.
    claimed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("residents.id"))
    assisted_by_id: Mapped[UUID | None]
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    valid_from: Mapped[datetime]
    expires_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]

    release: Mapped[Release] = relationship(lazy="raise")


class KeyState(StrEnum):
    """`PUBLISHED` is known to tills but does not sign yet; `VERIFY_ONLY` no longer signs."""

    PUBLISHED = "published"
    ACTIVE = "active"
    VERIFY_ONLY = "verify_only"
    REVOKED = "revoked"


class SigningKey(Base):
    """An issuer key (ECDSA P-256). The private half is sealed under the deployment's secret."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        CheckConstraint("kid BETWEEN 1 AND 255", name="kid_is_one_byte"),
        Index(
            "uq_signing_keys_active",
            "state",
            unique=True,
            postgresql_where=text("state = 'active'"),
        ),
    )

    kid: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    state: Mapped[KeyState] = mapped_column(Text)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # SEC 1, compressed: 33 bytes
    private_key_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
