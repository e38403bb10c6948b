"""Lotteries: announced, entered by many, and taken to any point of their life."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Mode
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lottery.advance import Step, advance
from coupon_service.issuance.lottery.announce import announce
from coupon_service.issuance.lottery.close import close
from coupon_service.issuance.lottery.draw import draw
from coupon_service.issuance.lottery.models import (
    DrawState,
    LotteryDraw,
    LotteryEntry,
    LotteryRank,
)
from coupon_service.issuance.lottery.seeds import SeedFile, SeedSource
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season

SEED_BYTES = "7c" * 32
CLOSES_IN = timedelta(hours=1)
SEED_IN = timedelta(hours=2)


def make_lottery(
    session: Session,
    *,
    quantity: int = 10,
    season: SmallSeason | None = None,
    source: SeedSource | None = None,
    closes_in: timedelta = CLOSES_IN,
    **terms: Any,
) -> UUID:
    """An announced lottery that takes entries; returns its release's id."""
    campaign = make_campaign(session, season or make_season(session), **terms)
    release = make_release(session, campaign, quantity=quantity, mode=Mode.LOTTERY)
    now = db_now(session)
    announce(
        session,
        release.id,
        entries_close_at=now + closes_in,
        source=source or SeedFile("rehearsal", now + SEED_IN),
        now=now,
    )
    return release.id


def enter_many(session: Session, release_id: UUID, count: int) -> None:
    """Entries of as many new residents, written in bulk. Their data is nobody's."""
    session.execute(
        text(
            """
            WITH people AS (
                INSERT INTO residents (id, phone_sealed, phone_index, id_number_sealed,
                                       id_number_index, born_on, area_code, verified_at)
                SELECT gen_random_uuid(), '\\x00', uuid_send(gen_random_uuid()), '\\x00',
                       uuid_send(gen_random_uuid()), '1980-05-17', '110102', now()
                FROM generate_series(1, :count)
                RETURNING id
            )
            INSERT INTO lottery_entries (release_id, resident_id, id, salt)
            SELECT :release_id, id, gen_random_uuid(), uuid_send(gen_random_uuid()) FROM people
            """
        ),
        {"release_id": release_id, "count": count},
    )


def close_now(held: Resources, release_id: UUID) -> DrawState:
    """Close the entries as if their time had come."""
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        return close(session, release_id, now=found.entries_close_at)


def draw_now(held: Resources, release_id: UUID, seed: str = SEED_BYTES) -> None:
    """Draw as if the seed's source had spoken."""
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        draw(session, release_id, {"bytes": seed}, now=found.seed_available_at)


def finish(held: Resources, release_id: UUID) -> list[Step]:
    """Take every step that is left, each in a transaction of its own; returns them."""
    steps = []
    while True:
        with transaction(held.sessions) as session:
            now = session.get_one(LotteryDraw, release_id).seed_available_at
            step = advance(session, gate(), held.settings, release_id, now=now)
        if step is None:
            return steps
        steps.append(step)


def whole_lottery(held: Resources, *, entries: int, quantity: int, **terms: Any) -> UUID:
    """A lottery from its announcement to its published result."""
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, quantity=quantity, **terms)
        enter_many(session, release_id, entries)
    assert close_now(held, release_id) is DrawState.CLOSED
    draw_now(held, release_id)
    finish(held, release_id)
    return release_id


def entries_by_rank(session: Session, release_id: UUID) -> list[LotteryEntry]:
    """All entries of a drawn lottery, the first one first."""
    return [
        session.get_one(LotteryEntry, (release_id, drawn.resident_id))
        for drawn in ranks_of(session, release_id)
    ]


def ranks_of(session: Session, release_id: UUID) -> list[LotteryRank]:
    """Where the draw put everybody, the first one first."""
    return list(
        session.scalars(
            select(LotteryRank).filter_by(release_id=release_id).order_by(LotteryRank.rank)
        )
    )
