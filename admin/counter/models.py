"""A resident's visit to a counter, and how much an official has done there on a day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func, text
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class CounterVisit(Base):
    """A resident came, showed their document, and agreed to be served by an official.

    Attributes:
        ends_at: from then on nothing is done on the strength of this visit.
    """

    __tablename__ = "counter_visits"
    __table_args__ = (CheckConstraint("began_at < ends_at", name="has_length"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    district_id: Mapped[UUID] = mapped_column(ForeignKey("districts.id"))
    official_id: Mapped[UUID] = mapped_column(ForeignKey("officials.id"))
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"), index=True)
    began_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ends_at: Mapped[datetime]


class CounterDay(Base):
    """What one official did at the counter on one local day; the caps count here."""

    __tablename__ = "counter_days"
    __table_args__ = (CheckConstraint("visits >= 0 AND claims >= 0", name="not_negative"),)

    official_id: Mapped[UUID] = mapped_column(ForeignKey("officials.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    visits: Mapped[int] = mapped_column(server_default=text("0"))
    claims: Mapped[int] = mapped_column(server_default=text("0"))
