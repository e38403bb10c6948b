"""Officials, and the log of what they decided."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.auth import Kind
from coupon_service.core.db import Base


class Official(Base):
    """A person of a district's office: an official decides, an auditor reads."""

    __tablename__ = "officials"
    __table_args__ = (
        CheckConstraint("role IN ('official', 'auditor', 'administrator')", name="role_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("districts.id"), index=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[Kind] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    totp_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    totp_last_step: Mapped[int | None]  # a code is good once
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AuditEntry(Base):
    """Who did what to what, and why. Never updated, never deleted."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        CheckConstraint("(actor_kind = 'service') = (actor_id IS NULL)", name="actor_known"),
        Index("ix_audit_entries_object_id", "object_id"),
    )

    seq: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("districts.id"), index=True)
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[UUID | None]  # none: the service itself acted, as when a case lapses
    action: Mapped[str] = mapped_column(Text)
    object_id: Mapped[UUID]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
