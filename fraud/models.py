"""Findings of the rules, the cases people decide, and the payables a case holds."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class CaseState(StrEnum):
    OPEN = "open"
    RELEASED = "released"  # an official found nothing wrong; the money is payable again
    CONFIRMED = "confirmed"  # an official found fraud; the money stays held for recovery
    LAPSED = "lapsed"  # nobody decided in time; the money is payable again


class Case(Base):
    """The file of one merchant's suspicious redemptions. At most one per season is open."""

    __tablename__ = "fraud_cases"
    __table_args__ = (
        Index(
            "uq_fraud_cases_open",
            "merchant_id",
            "season_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        # The gate asks for it before every redemption.
        Index(
            "ix_fraud_cases_confirmed", "merchant_id", postgresql_where=text("state = 'confirmed'")
        ),
        Index("ix_fraud_cases_season_id", "season_id", "state"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_when"),
        CheckConstraint(
            "(state IN ('released', 'confirmed')) = (decided_by IS NOT NULL)",
            name="decided_by_someone",
        ),
        CheckConstraint("opened_at < due_at", name="due_after_opening"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    season_id: Mapped[UUID] = mapped_column(ForeignKey("seasons.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    state: Mapped[CaseState] = mapped_column(Text, server_default="open")
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]  # undecided at this moment, the case lapses
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]  # the official; admin is above fraud, so no foreign key
    reason: Mapped[str | None] = mapped_column(Text)


class StoredFinding(Base):
    """What one rule saw in one redemption; evidence is counts and amounts, never identities."""

    __tablename__ = "fraud_findings"
    __table_args__ = (
        UniqueConstraint("redemption_id", "rule"),
        CheckConstraint("weight BETWEEN 1 AND 100", name="weight_bounded"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(ForeignKey("redemptions.id"))
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("fraud_cases.id"), index=True)
    rule: Mapped[str] = mapped_column(Text)
    rule_version: Mapped[int] = mapped_column(Integer)
    weight: Mapped[int] = mapped_column(Integer)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    found_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Hold(Base):
    """A payable stopped by a case. The ledger's `held` account has its money until it ends."""

    __tablename__ = "fraud_holds"
    __table_args__ = (
        Index("ix_fraud_holds_case_id", "case_id"),
        # A payable is held by one case at a time.
        Index(
            "uq_fraud_holds_payable",
            "payable_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    payable_id: Mapped[UUID] = mapped_column(ForeignKey("payables.id"), primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("fraud_cases.id"), primary_key=True)
    held_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
