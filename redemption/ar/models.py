"""AR providers, their anchors and scenes in the city, sessions, events, and what came of them."""

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
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

    Attributes:
        node_id: the provider's own budget node: what its anchors award comes out of it or out of
            nodes below. None: the provider awards nothing.
        is_built_in: the service plays this platform itself, for its own scenes.
        callback_url: where the provider wants to hear how its sessions end, if at all.
        awards_per_day_max, award_fen_per_day_max: vouchers won on one local day, and their faces.
        redeem_fen_per_day_max: what redemptions at its anchors take off on one local day.
    """

    __tablename__ = "ar_providers"
    __table_args__ = (
        CheckConstraint(
            "(previous_secret_sealed IS NULL) = (previous_secret_until IS NULL)",
            name="previous_secret_ends",
        ),
        CheckConstraint(
            "awards_per_day_max >= 0 AND award_fen_per_day_max >= 0"
            " AND redeem_fen_per_day_max >= 0",
            name="caps_not_negative",
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
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("budget_nodes.id"), unique=True)
    is_built_in: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    callback_url: Mapped[str | None] = mapped_column(Text)
    awards_per_day_max: Mapped[int] = mapped_column(server_default=text("2000"))
    award_fen_per_day_max: Mapped[int] = mapped_column(server_default=text("5000000"))
    redeem_fen_per_day_max: Mapped[int] = mapped_column(server_default=text("5000000"))


class ArProviderDay(Base):
    """What a provider's proofs have brought on one local day; the row that its caps decide on."""

    __tablename__ = "ar_provider_days"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("ar_providers.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    award_count: Mapped[int]
    award_fen: Mapped[int]  # faces of the vouchers won
    redeem_fen: Mapped[int]  # discounts at virtual stores


class ArAnchor(Base):
    """A place where presence can be proven, and what the proof brings. Degrees of WGS-84.

    An `award` anchor names the release it grants from, a `redeem` anchor the virtual store.
    `opens` and `closes` are local; `closes` before `opens` crosses midnight, equal is always open.
    `starts_at` and `ends_at` bound the days, half-open.
    """

    __tablename__ = "ar_anchors"
    __table_args__ = (
        CheckConstraint("lat BETWEEN -90 AND 90", name="lat_in_degrees"),
        CheckConstraint("lon BETWEEN -180 AND 180", name="lon_in_degrees"),
        CheckConstraint("radius_m > 0 AND radius_m <= 2000", name="radius_bounded"),
        CheckConstraint("confidence_min BETWEEN 0 AND 1", name="confidence_is_a_share"),
        CheckConstraint("(outcome = 'award') = (release_id IS NOT NULL)", name="award_has_release"),
        CheckConstraint("(outcome = 'redeem') = (store_id IS NOT NULL)", name="redeem_has_store"),
        CheckConstraint("starts_at < ends_at", name="has_length"),
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
    opens: Mapped[time] = mapped_column(server_default=text("'00:00'"))
    closes: Mapped[time] = mapped_column(server_default=text("'00:00'"))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]

    provider: Mapped[ArProvider] = relationship(lazy="raise")


class ArScene(Base):
    """An award anchor that the service shows a scene of its own for, and the shop behind its door.

    Both anchors belong to a provider that is built in.
    """

    __tablename__ = "ar_scenes"

    anchor_id: Mapped[UUID] = mapped_column(ForeignKey("ar_anchors.id"), primary_key=True)
    shop_anchor_id: Mapped[UUID | None] = mapped_column(ForeignKey("ar_anchors.id"))


class ArGood(Base):
    """Something on the counter of a scene's virtual shop; the order's amount is made of these."""

    __tablename__ = "ar_goods"
    __table_args__ = (CheckConstraint("price_fen > 0", name="price_positive"),)

    anchor_id: Mapped[UUID] = mapped_column(ForeignKey("ar_anchors.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text)
    price_fen: Mapped[int]


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


class ArRefusal(Base):
    """Why the latest proof of a session was refused, for its resident to read.

    A note, written after the proof has been undone: nothing is decided on it.
    """

    __tablename__ = "ar_refusals"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("ar_sessions.id"), primary_key=True)
    slug: Mapped[str] = mapped_column(Text)
    refused_at: Mapped[datetime]


class ArCallback(Base):
    """A webhook to a provider about the end of a session, and how its delivery stands.

    Attributes:
        id: the `webhook-id` is made of it, the same for every attempt.
        body: the bytes to be sent; they never change.
        next_at: when it is tried next; none when it was delivered or given up.
        last_result: the status of the latest attempt, or what kept it from having one.
    """

    __tablename__ = "ar_callbacks"
    __table_args__ = (
        CheckConstraint("delivered_at IS NULL OR next_at IS NULL", name="delivered_rests"),
        Index("ix_ar_callbacks_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_ar_callbacks_session_id", "session_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("ar_providers.id"))
    session_id: Mapped[UUID] = mapped_column(ForeignKey("ar_sessions.id"))
    type: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    next_at: Mapped[datetime | None]
    last_result: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
