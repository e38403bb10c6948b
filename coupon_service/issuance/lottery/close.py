"""Close: fix the entries and commit to them, before the seed exists."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.jobs import emit
from coupon_service.issuance.lottery.errors import DrawStateError
from coupon_service.issuance.lottery.merkle import BLOCK_LEAVES, merkle_root, split
from coupon_service.issuance.lottery.models import DrawState
from coupon_service.issuance.lottery.queries import allow_time, locked_draw

CLOSED = "lottery.closed"
LATE = "lottery.late"
# A root that comes this shortly before the seed could be doubted by whoever saw it later.
SEED_AFTER_ROOT_MIN = timedelta(seconds=20)
_BLOCKS_AT_ONCE = 64

# The leaves in ascending order, those of a block one after the other.
_BLOCKS = text(
    """
    SELECT string_agg(leaf, '' ORDER BY leaf)
    FROM (
        SELECT leaf, (row_number() OVER (ORDER BY leaf) - 1) / :block_leaves AS block
        FROM lottery_entries WHERE release_id = :release_id
    ) AS ordered
    GROUP BY block ORDER BY block
    """
)


def close(session: Session, release_id: UUID, *, now: datetime) -> DrawState:
    """Record the root of the entries in their order; returns the draw's new state.

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
        firsts, roots, count = _blocks(session, release_id)
        # The clock goes on while a million leaves are hashed.
        closed_at = now + (db_now(session) - started)
        if closed_at < in_time_until:
            draw.state = DrawState.CLOSED
            draw.closed_at = closed_at
            draw.entries_count = count
            draw.block_firsts, draw.block_roots = b"".join(firsts), b"".join(roots)
            draw.merkle_root = merkle_root(roots)
            emit(session, CLOSED, release_id=release_id)
            return DrawState.CLOSED
    draw.state = DrawState.LATE
    emit(session, LATE, release_id=release_id)
    return DrawState.LATE


def _blocks(session: Session, release_id: UUID) -> tuple[list[bytes], list[bytes], int]:
    """The first leaf and the root of every block, and how many leaves there are."""
    allow_time(session)
    firsts, roots, count = [], [], 0
    keys = {"release_id": release_id, "block_leaves": BLOCK_LEAVES}
    for joined in session.scalars(_BLOCKS, keys).yield_per(_BLOCKS_AT_ONCE):
        leaves = split(joined)
        firsts.append(leaves[0])
        roots.append(merkle_root(leaves))
        count += len(leaves)
    return firsts, roots, count
