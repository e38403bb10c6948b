"""Residents and their sign-in codes. Personal data is sealed; look-ups go by blind index."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class Resident(Base):
    """A person. Limits count residents, and a real ID number belongs to one resident only."""

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint(
            "(verified_at IS NULL) = (id_number_index IS NULL)", name="verified_by_id_number"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    born_on: Mapped[date | None]
    # Where the ID number was issued: its first six digits (GB/T 2260).
    area_code: Mapped[str | None] = mapped_column(Text)
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SignInCode(Base):
    """A one-time code on its way to a phone. Kept as a keyed hash, good once, for few guesses."""

    __tablename__ = "sign_in_codes"
    __table_args__ = (Index("ix_sign_in_codes_phone_index", "phone_index", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_index: Mapped[bytes] = mapped_column(LargeBinary)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    guesses: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
