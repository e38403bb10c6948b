"""Publish: everything anybody needs to redo the draw, in one file without personal data."""

import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from coupon_service.core.jobs import emit
from coupon_service.issuance.lottery.errors import DrawStateError
from coupon_service.issuance.lottery.models import (
    DrawState,
    LotteryDraw,
    LotteryRank,
    LotteryResultPart,
)
from coupon_service.issuance.lottery.queries import allow_time, locked_draw
from coupon_service.issuance.lottery.verify_draw import ALGORITHM

PUBLISHED = "lottery.published"
PART_BYTES = 1_000_000
_LINES_AT_ONCE = 10_000
_GZIP = 16 + zlib.MAX_WBITS

# Many lines in a row of the database's: a row for each would take longer than packing them.
_LINES = text(
    """
    SELECT string_agg(
        '["' || encode(leaf, 'hex') || '",' || rank || ',' || won::int || E']\\n', '' ORDER BY leaf
    )
    FROM (
        SELECT leaf, rank, rank <= :decided_rank AND refusal IS NULL AS won,
               (row_number() OVER (ORDER BY leaf) - 1) / :at_once AS bundle
        FROM lottery_entries JOIN lottery_ranks USING (release_id, resident_id)
        WHERE release_id = :release_id
    ) AS ordered
    GROUP BY bundle ORDER BY bundle
    """
)


def publish(session: Session, release_id: UUID, *, now: datetime) -> bool:
    """Write the result's file; returns False if that was done before.

    Raises:
        DrawNotFoundError: no draw is announced for the release.
        DrawStateError: the draw has not been made.
    """
    draw = locked_draw(session, release_id)
    if draw.state == DrawState.PUBLISHED:
        return False
    if draw.state != DrawState.DRAWN:
        raise DrawStateError(state=draw.state)
    allow_time(session)
    whole = sha256()
    for number, content in enumerate(_parts(_lines(session, draw))):
        whole.update(content)
        session.add(LotteryResultPart(release_id=release_id, part=number, content=content))
        session.flush()
    draw.result_sha256 = whole.digest()
    draw.published_at = now
    draw.state = DrawState.PUBLISHED
    emit(session, PUBLISHED, release_id=release_id)
    return True


def header_of(draw: LotteryDraw, passed_over: Iterable[tuple[int, str]]) -> dict[str, Any]:
    """The first line of the file."""
    assert draw.closed_at is not None
    assert draw.merkle_root is not None
    assert draw.seed is not None
    return {
        "format": ALGORITHM,
        "announcement": draw.announcement,
        "closed_at": draw.closed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "entries": draw.entries_count,
        "root": draw.merkle_root.hex(),
        "evidence": draw.evidence,
        "seed": draw.seed.hex(),
        "winners": draw.winners_count,
        "passed_over": [{"rank": rank, "reason": reason} for rank, reason in passed_over],
    }


def _lines(session: Session, draw: LotteryDraw) -> Iterator[bytes]:
    passed_over = session.execute(
        select(LotteryRank.rank, LotteryRank.refusal)
        .where(LotteryRank.release_id == draw.release_id, LotteryRank.refusal.is_not(None))
        .order_by(LotteryRank.rank)
    )
    pairs = [(rank, refusal) for rank, refusal in passed_over if refusal]
    yield json.dumps(header_of(draw, pairs)).encode() + b"\n"
    keys = {
        "release_id": draw.release_id,
        "decided_rank": draw.decided_rank,
        "at_once": _LINES_AT_ONCE,
    }
    for some in session.scalars(_LINES, keys).yield_per(1):
        yield some.encode()


def _parts(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The gzipped lines in pieces of about `PART_BYTES`."""
    # Hashes do not repeat themselves: to look for repetitions takes five times as long, and saves
    # a fiftieth.
    packer = zlib.compressobj(wbits=_GZIP, strategy=zlib.Z_HUFFMAN_ONLY)
    packed = bytearray()
    for line in lines:
        packed += packer.compress(line)
        if len(packed) >= PART_BYTES:
            yield bytes(packed)
            packed.clear()
    yield bytes(packed) + packer.flush()
