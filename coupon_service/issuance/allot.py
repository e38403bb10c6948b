"""Allotting a seat in PostgreSQL itself, for when the gate is cold or gone."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# The advisory lock lasts until the transaction ends: claims of one release queue here, which is
# slow and exact. The highest seat is read from its unique index; gaps are looked for only when the
# highest seat is the last one.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:release, 0))")
_NEXT = text(
    """
    SELECT CASE WHEN coalesce(top.seat, 0) < release.quantity THEN coalesce(top.seat, 0) + 1
           ELSE (SELECT min(candidate) FROM generate_series(1, release.quantity) AS candidate
                 WHERE NOT EXISTS (SELECT 1 FROM vouchers
                                   WHERE release_id = release.id AND seat = candidate))
           END
    FROM releases release
    LEFT JOIN LATERAL (SELECT max(seat) AS seat FROM vouchers
                       WHERE release_id = release.id) top ON true
    WHERE release.id = :release
    """
)


def allot_seat(session: Session, release_id: UUID) -> int | None:
    """A seat nobody has, or None: sold out, or no such release."""
    session.execute(_LOCK, {"release": release_id.hex})
    seat: int | None = session.execute(_NEXT, {"release": release_id}).scalar_one_or_none()
    return seat
