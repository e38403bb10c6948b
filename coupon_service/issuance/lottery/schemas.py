"""Lotteries on the wire. Hashes, salts and the seed are hex."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

from coupon_service.core.schemas import Body, View
from coupon_service.issuance.lottery.models import LotteryDraw, LotteryRank
from coupon_service.issuance.lottery.queries import Proof, has_won


class EntryBody(Body):
    """Whose entry: the caller's own, or that of a relative the caller may act for."""

    release_id: UUID
    for_resident_id: UUID | None = None


class EntryQuery(Body):
    for_resident_id: UUID | None = None


class DrawView(View):
    """A draw as everybody may see it. `announcement` is the exact text the seed depends on."""

    release_id: UUID
    state: str
    announcement: str
    announcement_sha256: str
    quantity: int
    entries_close_at: datetime
    seed_available_at: datetime
    seed_source: dict[str, Any]
    entries: int
    closed_at: datetime | None
    root: str | None
    evidence: dict[str, Any] | None
    seed: str | None
    drawn_at: datetime | None
    winners: int
    published_at: datetime | None
    result_sha256: str | None

    @classmethod
    def of(cls, draw: LotteryDraw, entries: int) -> Self:
        return cls(
            release_id=draw.release_id,
            state=draw.state,
            announcement=draw.announcement,
            announcement_sha256=announcement_sha256(draw),
            quantity=draw.quantity,
            entries_close_at=draw.entries_close_at,
            seed_available_at=draw.seed_available_at,
            seed_source=json.loads(draw.announcement)["seed_source"],
            entries=entries,
            closed_at=draw.closed_at,
            root=_hex(draw.merkle_root),
            evidence=draw.evidence if draw.seed else None,
            seed=_hex(draw.seed),
            drawn_at=draw.drawn_at,
            winners=draw.winners_count,
            published_at=draw.published_at,
            result_sha256=_hex(draw.result_sha256),
        )


class EntryView(View):
    """One's own entry, with what proves that it is among those the root stands for.

    `leaf` = SHA-256(0x00 || salt || entry_id); `path` leads from it, at `position` of
    `entries`, to the root.
    """

    release_id: UUID
    entered_at: datetime
    entry_id: str
    salt: str
    leaf: str
    position: int | None
    path: list[str]
    rank: int | None
    won: bool | None

    @classmethod
    def of(cls, draw: LotteryDraw, proof: Proof, drawn: LotteryRank | None) -> Self:
        entry = proof.entry
        return cls(
            release_id=entry.release_id,
            entered_at=entry.entered_at,
            entry_id=entry.id.hex,
            salt=entry.salt.hex(),
            leaf=proof.leaf.hex(),
            position=proof.position,
            path=[sibling.hex() for sibling in proof.siblings],
            rank=drawn.rank if drawn else None,
            won=has_won(draw, drawn),
        )


def announcement_sha256(draw: LotteryDraw) -> str:
    """What a visitor notes down before the entries close."""
    return sha256(draw.announcement.encode()).hexdigest()


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
