"""Notices, their deliveries outside the application, and what each resident wants delivered."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from coupon_service.core.db import Base


class NoticeKind(StrEnum):
    """What happened. `kinds.py` says what each is about and what its words need."""

    CLAIMED = "claimed"
    EXPIRES_TOMORROW = "expires_tomorrow"
    CAME_BACK = "came_back"  # a seat, to somebody on the waiting list
    LOTTERY_WON = "lottery_won"
    LOTTERY_LOST = "lottery_lost"
    GRANTED = "granted"
    AWARDED = "awarded"
    PHONE_REBOUND = "phone_rebound"  # vouchers are shown from another phone now
    PROXY_ASKED = "proxy_asked"
    PROXY_WITHDRAWN = "proxy_withdrawn"
    STAFF_CLAIMED = "staff_claimed"
    VOUCHER_RETURNED = "voucher_returned"


class Topic(StrEnum):
    """What a resident chooses by: kinds that belong together."""

    ARRIVED = "arrived"  # a coupon came, or came back
    EXPIRING = "expiring"
    DRAWN = "drawn"  # lotteries and the waiting list
    ACCOUNT = "account"  # family and phone


class Way(StrEnum):
    """How a notice leaves the application. Inside it every notice is shown."""

    SMS = "sms"
    WECHAT = "wechat"


class DeliveryState(StrEnum):
    """`SENDING` that stays means nobody knows whether it arrived; it is not sent again."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNREACHABLE = "unreachable"  # no phone, or no follower of the public account
    LAPSED = "lapsed"  # not delivered in time to be of use


class Notice(Base):
    """One thing a resident is told. Words are made when it is shown, in the reader's language.

    Attributes:
        params: ids, names of campaigns, amounts and times; no personal data.
        about: what may be told of once only; a repeat with the same is dropped.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("resident_id", "kind", "about"),
        Index("ix_notices_unread", "resident_id", postgresql_where=text("read_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    kind: Mapped[NoticeKind] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    about: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]


class NoticeDelivery(Base):
    """One notice on one way out. The unique pair keeps it from leaving twice."""

    __tablename__ = "notice_deliveries"
    __table_args__ = (
        UniqueConstraint("notice_id", "way"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_when"),
        Index(
            "ix_notice_deliveries_deferred",
            "due_at",
            postgresql_where=text("state = 'waiting' AND handed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"))
    way: Mapped[Way] = mapped_column(Text)
    state: Mapped[DeliveryState] = mapped_column(Text, server_default="waiting")
    due_at: Mapped[datetime]
    handed_at: Mapped[datetime | None]  # to a job
    sent_at: Mapped[datetime | None]


class NoticePreference(Base):
    """A resident's own choice for one topic and way. Without a row `kinds.py`'s default holds."""

    __tablename__ = "notice_preferences"

    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"), primary_key=True)
    topic: Mapped[Topic] = mapped_column(Text, primary_key=True)
    way: Mapped[Way] = mapped_column(Text, primary_key=True)
    wanted: Mapped[bool]


class NoticeMark(Base):
    """How far a job that makes notices out of something else has read, by the job's name."""

    __tablename__ = "notice_marks"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    through_id: Mapped[UUID]
