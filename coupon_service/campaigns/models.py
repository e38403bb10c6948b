"""District, season, budget tree, campaign, release."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from coupon_service.core.db import Base

# A release's number and a seat make up a voucher's twelve typed digits.
RELEASE_NUMBER_MAX = 99_999
SEATS_MAX = 9_999_999


class NodeLevel(StrEnum):
    BOARD = "board"
    SERIES = "series"
    EVENT = "event"


class ThresholdBasis(StrEnum):
    """Which amount must reach the threshold: before or after the merchant's own discount."""

    BEFORE = "before_merchant_discount"
    AFTER = "after_merchant_discount"


class RefundPolicy(StrEnum):
    """What a later refund does to the voucher; four presets found in real schemes."""

    RETURN_VOUCHER_KEEP_EXPIRY = "return_voucher_keep_expiry"
    RETURN_SHARE_TO_POOL = "return_share_to_pool"
    CONSUMED = "consumed"
    RETURN_ON_FULL_REFUND_NEXT_DAY = "return_on_full_refund_next_day"


class Stacking(StrEnum):
    """Which vouchers may pay one order together; each of them has to allow it."""

    ALONE = "alone"
    WITH_OTHERS = "with_others"  # one of this campaign, with vouchers of other campaigns
    ANY = "any"  # several of this campaign too


class Channel(StrEnum):
    """Where a claim or a redemption happened."""

    ONLINE = "online"
    ONSITE = "onsite"
    AR = "ar"
    VIRTUAL = "virtual"


class Mode(StrEnum):
    """How the seats of a release find their residents; a claim names the way it came."""

    FIRST_COME = "first_come"
    LOTTERY = "lottery"  # drawn among entries
    GRANT = "grant"  # given to everybody on a list
    CODE = "code"  # for whoever knows a community's or an event's code
    AWARD = "award"  # earned by a redemption
    STAFF = "staff"  # claimed for a resident at a counter


class ReleaseState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"  # published; its window still decides
    PAUSED = "paused"
    CLOSED = "closed"


class District(Base):
    __tablename__ = "districts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)  # GB/T 2260, e.g. 110102
    name: Mapped[str] = mapped_column(Text)


class Sandbox(Base):
    """A district in which point-of-sale systems of another district are tried out.

    A till knows only its own district's vouchers, so that play money and real money never meet.
    """

    __tablename__ = "sandboxes"
    __table_args__ = (CheckConstraint("district_id <> of_district_id", name="not_of_itself"),)

    district_id: Mapped[UUID] = mapped_column(ForeignKey("districts.id"), primary_key=True)
    of_district_id: Mapped[UUID] = mapped_column(ForeignKey("districts.id"), unique=True)


class Season(Base):
    """One appropriation of public money. Its amount is in the ledger, not here."""

    __tablename__ = "seasons"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="has_length"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("districts.id"), index=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BudgetNode(Base):
    """A node of a season's budget tree; owns a `budget` account in the ledger."""

    __tablename__ = "budget_nodes"
    __table_args__ = (
        UniqueConstraint("season_id", "code"),
        CheckConstraint("(level = 'board') = (parent_id IS NULL)", name="boards_are_roots"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("budget_nodes.id"), index=True)
    level: Mapped[NodeLevel] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    city_boards: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    position: Mapped[int] = mapped_column(server_default=text("0"))


class Campaign(Base):
    """What is given, on which terms, out of one budget node. Terms are fixed once published.

    `face_fen` is the most the coupon takes off: its face, or the cap of a percentage (`rate_bp`).
    `scope` limits stores and times: any of `categories`, `zones`, `tags`, `store_ids`, `weekdays`,
    `hours` (for the last two see `hours.Hours`); an absent key limits nothing, and all present keys
    must hold. `eligibility` limits residents the same way; its keys are the fields of
    `eligibility.Eligibility`.

    Attributes:
        slots: windows in which a store takes so many vouchers and no more; see `hours.slot_at`.
        excluded_goods: of `terms.GoodsKind`, what it is not for besides `terms.ALWAYS_EXCLUDED`.
        per_order_max: how many of its vouchers one order takes, where it takes several; none: as
            many as are shown.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("face_fen > 0", name="face_positive"),
        CheckConstraint("rate_bp BETWEEN 1 AND 10000", name="rate_in_basis_points"),
        CheckConstraint("threshold_fen >= 0", name="threshold_not_negative"),
        CheckConstraint("min_pay_fen >= 0", name="min_pay_not_negative"),
        CheckConstraint("per_person BETWEEN 1 AND 100", name="per_person_bounded"),
        CheckConstraint(
            "per_order_max IS NULL OR per_order_max BETWEEN 2 AND 10 AND stacking = 'any'",
            name="per_order_max_of_several",
        ),
        CheckConstraint("valid_from < valid_until", name="validity_has_length"),
        CheckConstraint("valid_days BETWEEN 1 AND 366", name="valid_days_bounded"),
        UniqueConstraint("season_id", "code"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    node_id: Mapped[UUID] = mapped_column(ForeignKey("budget_nodes.id"), index=True)
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text, server_default="")
    face_fen: Mapped[int]
    rate_bp: Mapped[int | None]
    threshold_fen: Mapped[int]
    threshold_basis: Mapped[ThresholdBasis] = mapped_column(Text)
    min_pay_fen: Mapped[int] = mapped_column(server_default=text("0"))
    scope: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    slots: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    excluded_goods: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    stacking: Mapped[Stacking] = mapped_column(Text, server_default="alone")
    per_order_max: Mapped[int | None] = mapped_column(SmallInteger)
    eligibility: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]  # first moment it is no longer valid
    valid_days: Mapped[int | None]  # local days from the claim, never past valid_until
    per_person: Mapped[int] = mapped_column(server_default=text("1"))  # per release
    refund_policy: Mapped[RefundPolicy] = mapped_column(Text)
    claim_channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    redeem_channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    node: Mapped[BudgetNode] = relationship(lazy="raise")
    season: Mapped[Season] = relationship(lazy="raise")


class Release(Base):
    """A dated wave of a campaign with its own seats 1..quantity.

    Attributes:
        waiting_room: whether a claim needs a ticket from the waiting room.
        flows_into_id: the release of the same campaign that gets the seats nobody took.
    """

    __tablename__ = "releases"
    __table_args__ = (
        CheckConstraint(f"quantity BETWEEN 1 AND {SEATS_MAX}", name="quantity_bounded"),
        CheckConstraint(f"number BETWEEN 1 AND {RELEASE_NUMBER_MAX}", name="number_bounded"),
        CheckConstraint("opens_at < closes_at", name="window_has_length"),
        CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published_when_open"),
        Index("ix_releases_open", "opens_at", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    mode: Mapped[Mode] = mapped_column(Text, server_default="first_come")
    quantity: Mapped[int]
    waiting_room: Mapped[bool] = mapped_column(server_default=text("false"))
    flows_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("releases.id"), index=True)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    state: Mapped[ReleaseState] = mapped_column(Text, server_default="draft")
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    campaign: Mapped[Campaign] = relationship(lazy="raise")


class ReleaseQuota(Base):
    """Seats of a release kept for a group, say for older people or for one area.

    The seats are `first_seat`..`last_seat`; those of no quota are for everybody. Whoever belongs
    to a group draws from its seats first and from everybody's when they are gone. From
    `opens_to_all_at` on, what is left of them is everybody's too.
    """

    __tablename__ = "release_quotas"
    __table_args__ = (
        CheckConstraint("first_seat >= 1 AND first_seat <= last_seat", name="seats_in_order"),
        UniqueConstraint("release_id", "first_seat"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    name: Mapped[str] = mapped_column(Text)
    eligibility: Mapped[dict[str, Any]] = mapped_column(JSONB)
    first_seat: Mapped[int]
    last_seat: Mapped[int]
    opens_to_all_at: Mapped[datetime | None]
