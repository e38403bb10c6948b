"""Shared reads of waiting lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Release, ReleaseState
from coupon_service.issuance.waiting.models import WaitingEntry
from coupon_service.vouchers.models import Voucher, VoucherState

# A voucher in one of these has given its value back.
RETURNED = (VoucherState.VOID, VoucherState.EXPIRED)


class Standing(StrEnum):
    """What somebody is to a waiting list."""

    OUTSIDE = "outside"
    WAITING = "waiting"
    SERVED = "served"
    OVER = "over"  # the release has ended before their turn


@dataclass(frozen=True)
class Place:
    """Where somebody stands. `ahead` counts people who wait and joined before them."""

    standing: Standing
    ahead: int = 0
    joined_at: datetime | None = None
    voucher_id: UUID | None = None


def place_of(session: Session, release: Release, resident_id: UUID, *, now: datetime) -> Place:
    """Where the resident stands on the list of the release."""
    entry = entry_of(session, release.id, resident_id)
    if entry is not None and entry.served_at is not None:
        return Place(Standing.SERVED, joined_at=entry.joined_at, voucher_id=entry.voucher_id)
    if release.state == ReleaseState.CLOSED or release.closes_at <= now:
        return Place(Standing.OVER)
    if entry is None or entry.left_at is not None:
        return Place(Standing.OUTSIDE)
    return Place(
        Standing.WAITING,
        ahead=waiting_count(session, release.id, before=entry.place),
        joined_at=entry.joined_at,
    )


def entry_of(session: Session, release_id: UUID, resident_id: UUID) -> WaitingEntry | None:
    """The resident's entry, whatever became of it."""
    return session.scalars(
        select(WaitingEntry).where(
            WaitingEntry.release_id == release_id, WaitingEntry.resident_id == resident_id
        )
    ).one_or_none()


def waiting_count(session: Session, release_id: UUID, *, before: int | None = None) -> int:
    """How many wait for the release; or how many of them joined before a place."""
    query = (
        select(func.count())
        .select_from(WaitingEntry)
        .where(
            WaitingEntry.release_id == release_id,
            WaitingEntry.served_at.is_(None),
            WaitingEntry.left_at.is_(None),
        )
    )
    if before is not None:
        query = query.where(WaitingEntry.place < before)
    return session.execute(query).scalar_one()


def releases_waited_for(session: Session, now: datetime) -> Sequence[UUID]:
    """Open releases for which somebody waits."""
    return session.scalars(
        select(Release.id)
        .where(
            Release.state == ReleaseState.OPEN,
            Release.closes_at > now,
            select(WaitingEntry.id)
            .where(
                WaitingEntry.release_id == Release.id,
                WaitingEntry.served_at.is_(None),
                WaitingEntry.left_at.is_(None),
            )
            .exists(),
        )
        .order_by(Release.id)
    ).all()


def returned_count(session: Session, release_id: UUID) -> int:
    """Vouchers of the release whose value has come back."""
    return session.execute(
        select(func.count())
        .select_from(Voucher)
        .where(Voucher.release_id == release_id, Voucher.state.in_(RETURNED))
    ).scalar_one()


def next_ordinal(session: Session, release_id: UUID, resident_id: UUID) -> int:
    """Which voucher of the release would be the resident's next one."""
    highest: int = session.execute(
        select(func.coalesce(func.max(Voucher.ordinal), 0)).where(
            Voucher.release_id == release_id, Voucher.resident_id == resident_id
        )
    ).scalar_one()
    return highest + 1
