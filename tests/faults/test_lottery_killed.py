"""A lottery's worker is killed in the draw, in the middle of a batch, and between two batches."""

import os
import signal
import subprocess
import sys
from uuid import UUID

import pytest
from sqlalchemy import select

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.issuance.lottery.advance import Step
from coupon_service.issuance.lottery.grant import BATCH
from coupon_service.issuance.lottery.models import DrawState, LotteryDraw
from coupon_service.issuance.lottery.seeds import SEED_FILES
from coupon_service.notices.models import Notice, NoticeKind
from coupon_service.vouchers.models import Voucher
from tests.factories.lottery import (
    SEED_BYTES,
    close_now,
    draw_now,
    enter_many,
    finish,
    make_lottery,
    ranks_of,
)
from tests.harness.web import environment
from tests.invariants import assert_invariants

QUANTITY = 2 * BATCH + 10
ENTRIES = 400


@pytest.fixture
def closed(held: Resources, settings: Settings) -> UUID:
    """A lottery whose entries are closed and whose seed is at hand."""
    folder = settings.state_dir / SEED_FILES
    folder.mkdir()
    (folder / "rehearsal").write_text(SEED_BYTES)
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, quantity=QUANTITY)
        enter_many(session, release_id, ENTRIES)
    assert close_now(held, release_id) is DrawState.CLOSED
    return release_id


def die(settings: Settings, release_id: UUID, step: Step, moment: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "tests.harness.dying_lottery", str(release_id), step, moment],
        env=os.environ | environment(settings),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


def test_granting_killed_anywhere_gives_each_winner_one_voucher(
    settings: Settings, held: Resources, closed: UUID
) -> None:
    draw_now(held, closed)
    decided = []
    for moment in ("before_commit", "after_commit"):
        die(settings, closed, Step.GRANT, moment)
        assert_invariants(held)
        with transaction(held.sessions) as session:
            decided.append(session.get_one(LotteryDraw, closed).decided_rank)
    assert decided == [BATCH, 2 * BATCH]
    finish(held, closed)
    with transaction(held.sessions) as session:
        winners = {drawn.resident_id for drawn in ranks_of(session, closed)[:QUANTITY]}
        holders = session.scalars(select(Voucher.resident_id)).all()
        told = session.scalars(
            select(Notice.resident_id).where(Notice.kind == NoticeKind.LOTTERY_WON)
        ).all()
    assert len(holders) == len(told) == QUANTITY
    assert set(holders) == set(told) == winners
    assert_invariants(held)


def test_a_draw_killed_before_its_commit_has_not_happened(
    settings: Settings, held: Resources, closed: UUID
) -> None:
    die(settings, closed, Step.DRAW, "before_commit")
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, closed)
        assert (found.state, found.seed) == (DrawState.CLOSED, None)
        assert ranks_of(session, closed) == []
    draw_now(held, closed)
    finish(held, closed)
    assert_invariants(held)
