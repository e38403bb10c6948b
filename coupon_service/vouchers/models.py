"""The voucher, a numbered seat of a release; phones and paper that show it; signing keys."""

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


class VoidReason(StrEnum):
    """Why an unused voucher was cancelled."""

    RETURNED = "returned"  # its holder has no use for it
    UNEARNED = "unearned"  # the purchase that earned it was undone
    ERASED = "erased"  # its holder's data was erased
    OFFICE = "office"


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
        CheckConstraint("void_reason IS NULL OR state = 'void'", name="void_because"),
        Index("ix_vouchers_resident_id", "resident_id", "claimed_at"),
        # What came back to a release: few of its vouchers.
        Index(
            "ix_vouchers_given_back",
            "release_id",
            postgresql_where=text("state IN ('void', 'expired')"),
        ),
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
    void_reason: Mapped[VoidReason | None] = mapped_column(Text)
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


class PhoneKey(Base):
    """The key that a resident's phone made and keeps; this is its public half (ECDSA P-256).

    A resident shows vouchers on one phone at a time: of each resident one key is not revoked.
    """

    __tablename__ = "phone_keys"
    __table_args__ = (
        CheckConstraint("octet_length(public_key) = 33", name="public_key_is_compressed"),
        CheckConstraint("usable_from >= bound_at", name="usable_after_bound"),
        Index(
            "uq_phone_keys_live_resident",
            "resident_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index(
            "uq_phone_keys_live_key",
            "public_key",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index("ix_phone_keys_resident_id", "resident_id", "bound_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # SEC 1, compressed: 33 bytes
    bound_at: Mapped[datetime]
    usable_from: Mapped[datetime]  # later than `bound_at` by the cool-down, if it took a place
    revoked_at: Mapped[datetime | None]


class PaperVoucher(Base):
    """The sheet that was printed last of a voucher, and how often its second check went wrong."""

    __tablename__ = "paper_vouchers"
    __table_args__ = (
        CheckConstraint("serial BETWEEN 1 AND 65535", name="serial_is_two_bytes"),
        CheckConstraint("wrong_tries >= 0", name="wrong_tries_counted"),
        Index("ix_paper_vouchers_season_id", "season_id", "issued_by_id"),
    )

    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("vouchers.id"), primary_key=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    serial: Mapped[int] = mapped_column(Integer)
    second_check: Mapped[bytes] = mapped_column(LargeBinary)  # keyed hash of the ID number's end
    wrong_tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    issued_by_id: Mapped[UUID]  # the official
    issued_at: Mapped[datetime]


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
