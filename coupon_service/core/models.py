"""Tables every package relies on: the outbox and the sign-in sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class OutboxRow(Base):
    """One run of one job, recorded with the business change that asks for it."""

    __tablename__ = "outbox"
    __table_args__ = (
        # Small for ever: finished rows leave both.
        Index(
            "ix_outbox_waiting",
            "id",
            postgresql_where=text("enqueued_at IS NULL AND done_at IS NULL"),
        ),
        Index("ix_outbox_unfinished", "enqueued_at", postgresql_where=text("done_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(Text)
    job: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    enqueued_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class SignInSession(Base):
    """A signed-in browser. The signed cookie is enough for a minute at a time; this row ends it."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (Index("ix_sign_in_sessions_principal", "principal_kind", "principal_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    principal_kind: Mapped[str] = mapped_column(Text)
    principal_id: Mapped[UUID]
    user_agent: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
