"""Who may trade offline, the devices that do, what they may spend, and what they brought in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class LossPolicy(StrEnum):
    """Who bears a voucher that was accepted offline and had been used elsewhere meanwhile."""

    DISTRICT = "district"  # the merchant is paid all the same, out of money set aside for it
    MERCHANT = "merchant"


class RecordOutcome(StrEnum):
    """What became of an offline record. It never changes: a later refund is the order's."""

    REDEEMED = "redeemed"
    CONFLICT = "conflict"  # rightly accepted, but somebody else was first
    REFUSED = "refused"  # the till should not have accepted it
    BROKEN = "broken"  # it does not follow what the device brought in before: kept as evidence


class AlarmKind(StrEnum):
    GAP = "gap"  # records are missing
    FORK = "fork"  # two records have one place
    ROLLBACK = "rollback"  # the device has forgotten what it brought in


class OfflineMerchant(Base):
    """A merchant that may trade offline, with the vouchers of one season. Opt-in, by an official.

    Not deleted when it ends: `ended_at` says so, and its devices get no more leases.
    """

    __tablename__ = "offline_merchants"

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    policy: Mapped[LossPolicy] = mapped_column(Text)
    allowed_by: Mapped[UUID | None]  # the official; none: at the console
    allowed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OfflineDevice(Base):
    """A browser of a till with a signing key of its own, and how far its chain is known.

    Attributes:
        public_key: ECDSA P-256, SEC 1, compressed: 33 bytes.
        brought_seq, brought_hash: its last record that was brought in; 0 and zeros at first.
        brought_fen: the discounts of all its records up to that one, whatever became of them.
        closed_at: since then it gets no lease, and nothing it brings counts.
    """

    __tablename__ = "offline_devices"
    __table_args__ = (
        CheckConstraint("octet_length(public_key) = 33", name="public_key_is_compressed"),
        CheckConstraint("octet_length(brought_hash) = 32", name="hash_is_sha256"),
        CheckConstraint("brought_seq >= 0 AND brought_fen >= 0", name="brought_not_negative"),
        Index("ix_offline_devices_till_id", "till_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    till_id: Mapped[UUID] = mapped_column(ForeignKey("tills.id"))
    public_key: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    enrolled_at: Mapped[datetime]
    brought_seq: Mapped[int] = mapped_column(server_default=text("0"))
    brought_hash: Mapped[bytes] = mapped_column(LargeBinary)
    brought_fen: Mapped[int] = mapped_column(server_default=text("0"))
    closed_at: Mapped[datetime | None]


class OfflineLease(Base):
    """What a device may accept by itself until `expires_at`. Never changed.

    The limits are places in the device's chain and not amounts of this lease: a record's `seq` is
    at most `seq_max`, and the discounts of the chain up to it add up to at most `fen_max`. So
    leases do not add up, and one whose answer was lost gives nothing away.
    """

    __tablename__ = "offline_leases"
    __table_args__ = (
        CheckConstraint("issued_at < expires_at", name="has_length"),
        CheckConstraint("seq_max > 0 AND fen_max > 0 AND face_max_fen > 0", name="allows_some"),
        Index("ix_offline_leases_device_id", "device_id", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("offline_devices.id"))
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    policy: Mapped[LossPolicy] = mapped_column(Text)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    seq_max: Mapped[int]
    fen_max: Mapped[int]
    face_max_fen: Mapped[int]


class OfflineRecord(Base):
    """One redemption that a device accepted, as it signed it, and what became of it. Append-only.

    Attributes:
        body, signature: see `record.py`; `hash` is the body's SHA-256.
        voucher_id: what the code in it names, where its signatures hold.
        slug: why it was not redeemed.
    """

    __tablename__ = "offline_records"
    __table_args__ = (
        UniqueConstraint("device_id", "hash"),
        CheckConstraint("seq > 0", name="seq_positive"),
        CheckConstraint("discount_fen > 0", name="discount_positive"),
        CheckConstraint("(outcome = 'redeemed') = (order_id IS NOT NULL)", name="order_when"),
        CheckConstraint("(outcome = 'redeemed') = (slug IS NULL)", name="slug_unless_redeemed"),
        Index(
            "uq_offline_records_place",
            "device_id",
            "seq",
            unique=True,
            postgresql_where=text("outcome <> 'broken'"),
        ),
        Index("ix_offline_records_order_id", "order_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("offline_devices.id"))
    lease_id: Mapped[UUID]  # as the record says
    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    order_no: Mapped[str] = mapped_column(Text)
    discount_fen: Mapped[int]
    accepted_at: Mapped[datetime]
    received_at: Mapped[datetime]
    voucher_id: Mapped[UUID | None]
    outcome: Mapped[RecordOutcome] = mapped_column(Text)
    slug: Mapped[str | None] = mapped_column(Text)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))


class OfflineLoss(Base):
    """What a conflict cost, and whom. Append-only.

    One that the district bears has a payable of the same id.
    """

    __tablename__ = "offline_losses"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount_positive"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("offline_records.id"), unique=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"), index=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    amount_fen: Mapped[int]
    policy: Mapped[LossPolicy] = mapped_column(Text)
    booked_at: Mapped[datetime]


class OfflineAlarm(Base):
    """A device whose chain does not hold together. Its till stays online-only until it is cleared.

    Attributes:
        seq: the place in the chain it is about.
        cleared_by: the official.
    """

    __tablename__ = "offline_alarms"
    __table_args__ = (
        CheckConstraint("(cleared_at IS NULL) = (cleared_by IS NULL)", name="cleared_by_when"),
        UniqueConstraint("device_id"),
        Index(
            "ix_offline_alarms_open",
            "till_id",
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("offline_devices.id"))
    till_id: Mapped[UUID] = mapped_column(ForeignKey("tills.id"))
    kind: Mapped[AlarmKind] = mapped_column(Text)
    seq: Mapped[int]
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[UUID | None]
