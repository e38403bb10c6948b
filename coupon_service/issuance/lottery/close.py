"""Close: fix the entries and commit to them, before the seed exists."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.jobs import emit
from coupon_service.issuance.lottery.errors import DrawStateError
from coupon_service.issuance.lottery.merkle import BLOCK_LEAVES, merkle_root
from coupon_service.issuance.lottery.models import DrawState
from coupon_service.issuance.lottery.queries import LEAF, allow_time, locked_draw

CLOSED = "lottery.closed"
LATE = "lottery.late"
# A root that comes this shortly before the seed could be doubted by whoever saw it later.
SEED_AFTER_ROOT_MIN = timedelta(seconds=20)

_PLACE = text(
    f"""
    UPDATE lottery_entries entry SET position = placed.position
    FROM (
        SELECT resident_id, row_number() OVER (ORDER BY {LEAF}) - 1 AS position
        FROM lottery_entries entry WHERE release_id = :release_id
    ) AS placed
    WHERE entry.release_id = :release_id AND entry.resident_id = placed.resident_id
    """  # noqa: S608  # put together from constants
)
_UNPLACE = text("UPDATE lottery_entries SET position = NULL WHERE release_id = :release_id")
_LEAVES = text(
    f"SELECT {LEAF} FROM lottery_entries entry WHERE release_id = :release_id ORDER BY position"  # noqa: S608
)


def close(session: Session, release_id: UUID, *, now: datetime) -> DrawState:
    """Put the entries in order and record their root; returns the draw's new state.

    Where that cannot be done in time the draw is `LATE`: it could be doubted that the entries were
    fixed first, so an official has to announce a later seed. The entries stay.

    Raises:
        DrawNotFoundError: no draw is announced for the release.
        DrawStateError: entries are still taken, or were closed before.
    """
    draw = locked_draw(session, release_id)
    if draw.state != DrawState.COLLECTING or draw.entries_close_at > now:
        raise DrawStateError(state=draw.state)
    in_time_until = draw.seed_available_at - SEED_AFTER_ROOT_MIN
    if now < in_time_until:
        started = db_now(session)
        allow_time(session)
        placed = session.execute(_PLACE, {"release_id": release_id})
        roots = list(_block_roots(session, release_id))
        # The clock goes on while a million leaves are put in order.
        closed_at = now + (db_now(session) - started)
        if closed_at < in_time_until:
            draw.state = DrawState.CLOSED
            draw.closed_at = closed_at
            draw.entries_count = placed.rowcount  # type: ignore[attr-defined]  # of an UPDATE
            draw.block_roots = b"".join(roots)
            draw.merkle_root = merkle_root(roots)
            emit(session, CLOSED, release_id=release_id)
            return DrawState.CLOSED
        session.execute(_UNPLACE, {"release_id": release_id})
    draw.state = DrawState.LATE
    emit(session, LATE, release_id=release_id)
    return DrawState.LATE


def _block_roots(session: Session, release_id: UUID) -> Iterator[bytes]:
    leaves = session.execute(_LEAVES, {"release_id": release_id}).yield_per(BLOCK_LEAVES)
    for block in leaves.scalars().partitions():
        yield merkle_root(block)
