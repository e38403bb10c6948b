"""Allotting a seat in PostgreSQL itself, for when the gate is cold, gone, or behind."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.issuance.answers import SeatRange

# The advisory lock lasts until the transaction ends: claims of one release queue here, which is
# slow and exact. The highest seat is read from its unique index; gaps are looked for only when the
# highest seat is the last one.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:release, 0))")
_NEXT = text(
    """
    SELECT CASE WHEN highest.seat < bounds.last THEN highest.seat + 1
           ELSE (SELECT min(candidate) FROM generate_series(:first, bounds.last) AS candidate
                 WHERE NOT EXISTS (SELECT 1 FROM vouchers
                                   WHERE release_id = release.id AND seat = candidate))
           END
    FROM releases release
    CROSS JOIN LATERAL (SELECT least(release.quantity, CAST(:last AS bigint)) AS last) bounds
    CROSS JOIN LATERAL (
        SELECT coalesce(max(seat), :first - 1) AS seat FROM vouchers
        WHERE release_id = release.id AND seat BETWEEN :first AND bounds.last
    ) highest
    WHERE release.id = :release
    """
)


def hold_seats(session: Session, release_id: UUID) -> None:
    """Let nobody else allot a seat of the release until the transaction ends.

    Whoever locks the release's row too takes this lock first, as a claim does.
    """
    session.execute(_LOCK, {"release": release_id.hex})


def allot_seat(session: Session, release_id: UUID, ranges: Sequence[SeatRange]) -> int | None:
    """The first seat in these ranges that nobody has, or None: sold out, or no such release."""
    hold_seats(session, release_id)
    for first, last in ranges:
        values = {"release": release_id, "first": first, "last": last}
        seat: int | None = session.execute(_NEXT, values).scalar_one_or_none()
        if seat is not None:
            return seat
    return None
