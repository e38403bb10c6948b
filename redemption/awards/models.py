"""What earns a coupon, and what was earned."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base
from coupon_service.core.money import MAX_FEN


class AwardRule(Base):
    """A redemption of a season that earns a coupon of a release in the mode `award`.

    Attributes:
        source_campaign_id: the campaign whose voucher must have been used; none: any of the season.
        min_order_fen: from this amount on, after the merchant's own discount, before the voucher.
        per_person: how many one person can hold or have used of what this rule earned them. The
            campaign's own limit counts those withdrawn too.
    """

    __tablename__ = "award_rules"
    __table_args__ = (
        CheckConstraint(f"min_order_fen BETWEEN 0 AND {MAX_FEN}", name="min_order_bounded"),
        CheckConstraint("per_person BETWEEN 1 AND 100", name="per_person_bounded"),
        Index("ix_award_rules_season_id", "season_id", postgresql_where=text("active")),
        Index("ix_award_rules_release_id", "release_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    source_campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    min_order_fen: Mapped[int]
    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"))
    per_person: Mapped[int] = mapped_column(server_default=text("1"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Award(Base):
    """What one redemption earned by one rule: a voucher, or the slug of why none.

    Attributes:
        withdrawn_at: when the redemption was undone and the voucher, still unused, with it.
    """

    __tablename__ = "awards"
    __table_args__ = (
        CheckConstraint("voucher_id IS NULL OR refused IS NULL", name="voucher_or_refused"),
        CheckConstraint(
            "withdrawn_at IS NULL OR voucher_id IS NOT NULL", name="withdrawn_had_voucher"
        ),
        Index("ix_awards_rule_id", "rule_id", "resident_id"),
    )

    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemptions.id"), primary_key=True)
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("award_rules.id"), primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    voucher_id: Mapped[UUID | None] = mapped_column(ForeignKey("vouchers.id"), unique=True)
    refused: Mapped[str | None] = mapped_column(Text)
    awarded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
