"""What is taken of each slot."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class SlotCounter(Base):
    """The places of one store for one campaign in one window of one day.

    Made when somebody first asks for a place. `capacity` is what the terms said.
    """

    __tablename__ = "slot_counters"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND capacity", name="taken_within_capacity"),
        CheckConstraint("starts_at < ends_at", name="has_length"),
    )

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    taken: Mapped[int]
