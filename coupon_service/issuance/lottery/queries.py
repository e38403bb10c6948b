"""Shared reads of lotteries."""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.models import Campaign, Release, ReleaseState
from coupon_service.issuance.lottery.errors import (
    DrawNotFoundError,
    NotEnteredError,
    ResultNotPublishedError,
)
from coupon_service.issuance.lottery.merkle import BLOCK_LEAVES, leaf_hash, path, split
from coupon_service.issuance.lottery.models import (
    DrawState,
    LotteryDraw,
    LotteryEntry,
    LotteryRank,
    LotteryResultPart,
)
from coupon_service.issuance.lottery.seeds import SeedSource, announced_source
from coupon_service.issuance.lottery.verify_draw import lot_of

# People look at the number of entries while it grows; a count this old is good enough for that.
_COUNT_TTL_S = 10


@dataclass(frozen=True)
class Proof:
    """Why an entry is among those the root was published for.

    Attributes:
        position: place among the leaves in ascending order, from 0; None before they are closed.
    """

    entry: LotteryEntry
    leaf: bytes
    position: int | None
    siblings: Sequence[bytes]


def allow_time(session: Session) -> None:
    """Let this transaction's statements run longer than a request's may: a million rows do."""
    session.execute(text("SET LOCAL statement_timeout = '10min'"))


def draw_or_refuse(session: Session, release_id: UUID) -> LotteryDraw:
    """The draw with its release and campaign.

    Raises:
        DrawNotFoundError: none is announced, or the release is still a draft.
    """
    draw = session.scalars(
        select(LotteryDraw)
        .join(LotteryDraw.release)
        .where(LotteryDraw.release_id == release_id, Release.state != ReleaseState.DRAFT)
        .options(joinedload(LotteryDraw.release).joinedload(Release.campaign))
    ).one_or_none()
    if draw is None:
        raise DrawNotFoundError
    return draw


def locked_draw(session: Session, release_id: UUID) -> LotteryDraw:
    """The draw, FOR UPDATE: entries under way are waited for, later ones wait.

    Raises:
        DrawNotFoundError: none is announced.
    """
    draw = session.scalars(
        select(LotteryDraw)
        .where(LotteryDraw.release_id == release_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if draw is None:
        raise DrawNotFoundError
    return draw


def source_of(draw: LotteryDraw) -> SeedSource:
    """The seed's source as it was announced."""
    return announced_source(json.loads(draw.announcement)["seed_source"], draw.seed_available_at)


def draws_now(session: Session, now: datetime) -> Sequence[LotteryDraw]:
    """Draws of releases that are not over, by the end of their entries; for residents."""
    return session.scalars(
        select(LotteryDraw)
        .join(LotteryDraw.release)
        .where(Release.state != ReleaseState.DRAFT, Release.closes_at > now)
        .options(
            joinedload(LotteryDraw.release).joinedload(Release.campaign).joinedload(Campaign.node)
        )
        .order_by(LotteryDraw.entries_close_at)
    ).all()


def entries_count(session: Session, redis: Redis, draw: LotteryDraw) -> int:
    """How many have entered; while entries are taken, a few seconds old at most."""
    if draw.entries_count is not None:
        return draw.entries_count
    key = f"lottery:entries:{draw.release_id.hex}"
    with suppress(RedisError):  # a hint less
        known = redis.get(key)
        if isinstance(known, bytes):
            return int(known)
    counted = session.execute(
        select(func.count()).where(LotteryEntry.release_id == draw.release_id)
    ).scalar_one()
    with suppress(RedisError):
        redis.set(key, counted, ex=_COUNT_TTL_S)
    return counted


def entry_of(session: Session, release_id: UUID, resident_id: UUID) -> LotteryEntry:
    """A resident's entry.

    Raises:
        NotEnteredError: there is none.
    """
    entry = session.get(LotteryEntry, (release_id, resident_id))
    if entry is None:
        raise NotEnteredError
    return entry


def rank_of(session: Session, entry: LotteryEntry) -> LotteryRank | None:
    """Where the draw put an entry; None until it is made."""
    return session.get(LotteryRank, (entry.release_id, entry.resident_id))


def proof_of(session: Session, draw: LotteryDraw, entry: LotteryEntry) -> Proof:
    """The entry's leaf, and its path to the root once the entries are closed.

    The draw must have been read before the entry: what is an entry after the closing stays one.
    """
    leaf = leaf_hash(entry.salt, entry.id.bytes)
    if draw.merkle_root is None:
        return Proof(entry, leaf, None, ())
    stored = session.execute(
        select(LotteryDraw.block_firsts, LotteryDraw.block_roots).where(
            LotteryDraw.release_id == draw.release_id
        )
    ).one()
    firsts, roots = (split(joined or b"") for joined in stored)
    number = bisect_right(firsts, leaf) - 1
    block = session.scalars(
        select(LotteryEntry.leaf)
        .where(LotteryEntry.release_id == draw.release_id, LotteryEntry.leaf >= firsts[number])
        .order_by(LotteryEntry.leaf)
        .limit(BLOCK_LEAVES)
    ).all()
    index = block.index(leaf)
    siblings = [*path(block, index), *path(roots, number)]
    return Proof(entry, leaf, number * BLOCK_LEAVES + index, siblings)


def has_won(draw: LotteryDraw, drawn: LotteryRank | None) -> bool | None:
    """Whether an entry of this rank got a voucher; None while that is open."""
    if drawn is None or (draw.state == DrawState.DRAWN and drawn.rank > draw.decided_rank):
        return None
    return drawn.rank <= draw.decided_rank and drawn.refusal is None


def highest_winning_lot(session: Session, draw: LotteryDraw) -> bytes | None:
    """The lot of the last entry that won: whoever has a lower one won too, or was passed over."""
    if draw.seed is None or draw.state != DrawState.PUBLISHED:
        return None
    leaf = session.scalars(
        select(LotteryEntry.leaf)
        .join(
            LotteryRank,
            and_(
                LotteryRank.release_id == LotteryEntry.release_id,
                LotteryRank.resident_id == LotteryEntry.resident_id,
            ),
        )
        .where(
            LotteryRank.release_id == draw.release_id,
            LotteryRank.rank <= draw.decided_rank,
            LotteryRank.refusal.is_(None),
        )
        .order_by(LotteryRank.rank.desc())
        .limit(1)
    ).one_or_none()
    return None if leaf is None else lot_of(draw.seed, leaf)


def published_draw(session: Session, release_id: UUID) -> LotteryDraw:
    """A draw whose file can be had.

    Raises:
        DrawNotFoundError: none is announced.
        ResultNotPublishedError: it is not that far.
    """
    draw = draw_or_refuse(session, release_id)
    if draw.state != DrawState.PUBLISHED:
        raise ResultNotPublishedError
    return draw


def result_parts(session: Session, release_id: UUID) -> Iterator[bytes]:
    """The pieces of the published file, in order."""
    yield from session.scalars(
        select(LotteryResultPart.content)
        .where(LotteryResultPart.release_id == release_id)
        .order_by(LotteryResultPart.part)
        .execution_options(yield_per=1)
    )
