"""AR providers, their anchors in the city, sessions and received events."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from coupon_service.core.db import Base


class ArOutcome(StrEnum):
    AWARD = "award"
    REDEEM = "redeem"


class ArSessionState(StrEnum):
    OPEN = "open"
    DONE = "done"


class ArProvider(Base):
    """A platform that vouches for presence.

    Two secrets may live at once: a rotation leaves the former one good until a moment of its own,
    so that the provider can change over without a pause and a forgotten secret still dies.
    """

    __tablename__ = "ar_providers"
    __table_args__ = (
        CheckConstraint(
            "(previous_secret_sealed IS NULL) = (previous_secret_until IS NULL)",
            name="previous_secret_ends",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("districts.id"))
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_secret_until: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))


class ArAnchor(Base):
    """A place where presence can be proven, and what the proof brings. Degrees of WGS-84.

    An `award` anchor names the release it grants from, a `redeem` anchor the virtual store.
    """

    __tablename__ = "ar_anchors"
    __table_args__ = (
        CheckConstraint("lat BETWEEN -90 AND 90", name="lat_in_degrees"),
        CheckConstraint("lon BETWEEN -180 AND 180", name="lon_in_degrees"),
        CheckConstraint("radius_m > 0 AND radius_m <= 2000", name="radius_bounded"),
        CheckConstraint("confidence_min BETWEEN 0 AND 1", name="confidence_is_a_share"),
        CheckConstraint("(outcome = 'award') = (release_id IS NOT NULL)", name="award_has_release"),
        CheckConstraint("(outcome = 'redeem') = (store_id IS NOT NULL)", name="redeem_has_store"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("ar_providers.id"), index=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    outcome: Mapped[ArOutcome] = mapped_column(Text)
    release_id: Mapped[UUID | None] = mapped_column(ForeignKey("releases.id"))
    store_id: Mapped[UUID | None] = mapped_column(ForeignKey("stores.id"))
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    radius_m: Mapped[float] = mapped_column(Float)
    confidence_min: Mapped[float] = mapped_column(Float)

    provider: Mapped[ArProvider] = relationship(lazy="raise")


class ArSession(Base):
    """A resident's one-time intent at an anchor, waiting for the provider's proof.

    A redeem intent names voucher and order from the start; an award's voucher is known when done.
    """

    __tablename__ = "ar_sessions"
    __table_args__ = (
        CheckConstraint("(state = 'open') = (done_at IS NULL)", name="done_when"),
        CheckConstraint("state = 'open' OR voucher_id IS NOT NULL", name="done_has_voucher"),
        CheckConstraint("order_fen > 0", name="order_positive"),
        CheckConstraint("order_fen IS NULL OR voucher_id IS NOT NULL", name="order_has_voucher"),
        CheckConstraint("created_at < expires_at", name="expires_later"),
        CheckConstraint(
            "(redemption_id IS NOT NULL) = (state = 'done' AND order_fen IS NOT NULL)",
            name="redeemed_when_done",
        ),
        Index("ix_ar_sessions_resident_id", "resident_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(Text, unique=True)
    anchor_id: Mapped[UUID] = mapped_column(ForeignKey("ar_anchors.id"))
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    voucher_id: Mapped[UUID | None] = mapped_column(ForeignKey("vouchers.id"))  # to redeem, or won
    order_fen: Mapped[int | None]  # of a redeem intent
    redemption_id: Mapped[UUID | None] = mapped_column(ForeignKey("redemptions.id"))
    state: Mapped[ArSessionState] = mapped_column(Text, server_default="open")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    anchor: Mapped[ArAnchor] = relationship(lazy="raise")


class ArEvent(Base):
    """An accepted webhook. Its id is accepted once per provider.

    A repeat is answered from the session, which no longer changes once it is done.
    """

    __tablename__ = "ar_events"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("ar_providers.id"), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(Text, primary_key=True)
    # Checked at COMMIT: the id is claimed before anything else is looked at. One proof per session.
    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("ar_sessions.id", deferrable=True, initially="DEFERRED"), unique=True
    )
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of the raw body
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
