"""Draw: turn the public randomness into the order of all entries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.core.jobs import emit
from coupon_service.issuance.lottery.errors import (
    DrawStateError,
    SeedEvidenceError,
    SeedNotYetError,
)
from coupon_service.issuance.lottery.models import DrawState, LotteryDraw
from coupon_service.issuance.lottery.queries import allow_time, locked_draw, source_of
from coupon_service.issuance.lottery.verify_draw import randomness_of, seed_of

DRAWN = "lottery.drawn"

# An entry's lot is SHA-256(0x02 || seed || leaf); the lowest is drawn first. Rows come in the order
# of the entries, so that the look-ups of the foreign key lie side by side.
_RANK = text(
    """
    INSERT INTO lottery_ranks (release_id, resident_id, rank)
    SELECT release_id, resident_id, rank
    FROM (
        SELECT release_id, resident_id,
               row_number() OVER (ORDER BY sha256(decode('02', 'hex') || :seed || leaf)) AS rank
        FROM lottery_entries WHERE release_id = :release_id
    ) AS drawn
    ORDER BY resident_id
    """
)


def draw(
    session: Session, release_id: UUID, evidence: Mapping[str, Any], *, now: datetime
) -> LotteryDraw:
    """Give every entry its rank.

    Raises:
        DrawNotFoundError: no draw is announced for the release.
        DrawStateError: the entries are not closed, or the draw has been made.
        SeedNotYetError: the announced source cannot have spoken yet.
        SeedEvidenceError: this is not what the announced source publishes.
    """
    found = locked_draw(session, release_id)
    if found.state != DrawState.CLOSED or found.merkle_root is None:
        raise DrawStateError(state=found.state)
    if now < found.seed_available_at:
        raise SeedNotYetError
    try:
        randomness = randomness_of(source_of(found).as_announced(), evidence)
    except (ValueError, KeyError, TypeError):
        raise SeedEvidenceError from None
    found.evidence = dict(evidence)
    found.seed = seed_of(found.announcement, found.merkle_root, randomness)
    found.state = DrawState.DRAWN
    found.drawn_at = now
    allow_time(session)
    session.execute(_RANK, {"release_id": release_id, "seed": found.seed})
    emit(session, DRAWN, release_id=release_id)
    return found
