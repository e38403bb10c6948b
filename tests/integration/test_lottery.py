"""A lottery through its use cases: entering, closing, drawing, granting, publishing."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.errors import NotOpenYetError, ReleasePausedError
from coupon_service.campaigns.models import Mode, Release
from coupon_service.campaigns.release import Group, pause, publish, resume
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.invariants import violations
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.issuance.errors import GuardianNeededError, TooOldError
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lottery.announce import announce
from coupon_service.issuance.lottery.close import close
from coupon_service.issuance.lottery.draw import draw
from coupon_service.issuance.lottery.enter import enter, withdraw
from coupon_service.issuance.lottery.errors import (
    AnnouncementFault,
    AnnouncementRefusedError,
    DrawNotFoundError,
    DrawStateError,
    EntriesClosedError,
    NotEnteredError,
    SeedEvidenceError,
    SeedNotYetError,
)
from coupon_service.issuance.lottery.grant import grant_batch
from coupon_service.issuance.lottery.merkle import leaf_hash, proves
from coupon_service.issuance.lottery.models import DrawState, LotteryDraw, LotteryEntry
from coupon_service.issuance.lottery.queries import has_won, proof_of, rank_of
from coupon_service.issuance.lottery.seeds import SeedFile
from coupon_service.issuance.lottery.verify_draw import lot_of
from coupon_service.notices.models import Notice, NoticeKind
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import draft_release, make_campaign, make_release, make_season
from tests.factories.lottery import (
    close_now,
    draw_now,
    enter_many,
    entries_by_rank,
    finish,
    make_lottery,
    ranks_of,
    whole_lottery,
)
from tests.factories.people import make_resident
from tests.invariants import assert_invariants

HOUR = timedelta(hours=1)


def entry_count(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(LotteryEntry)).scalar_one()


def refused_by(held: Resources, release_id: UUID, resident_id: UUID) -> type[ProblemError]:
    with pytest.raises(ProblemError) as refusal, transaction(held.sessions) as session:
        enter(session, release_id, resident_id)
    return refusal.type


def announce_in(
    held: Resources, release_id: UUID, *, closes_in: timedelta, seed_in: timedelta
) -> None:
    with transaction(held.sessions) as session:
        now = db_now(session)
        source = SeedFile("another", now + seed_in)
        announce(session, release_id, entries_close_at=now + closes_in, source=source, now=now)


def draw_with(held: Resources, release_id: UUID, evidence: dict[str, object]) -> None:
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        draw(session, release_id, evidence, now=found.seed_available_at)


def test_a_person_enters_once_and_may_withdraw(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        resident_id = make_resident(session)
        assert enter(session, release_id, resident_id)
    with transaction(held.sessions) as session:
        first = session.get_one(LotteryEntry, (release_id, resident_id)).id
        assert not enter(session, release_id, resident_id)
        assert session.get_one(LotteryEntry, (release_id, resident_id)).id == first
    with transaction(held.sessions) as session:
        withdraw(session, release_id, resident_id)
    assert entry_count(held) == 0
    with pytest.raises(NotEnteredError), transaction(held.sessions) as session:
        withdraw(session, release_id, resident_id)
    assert_invariants(held)


def test_what_is_not_open_takes_no_entry(held: Resources) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        resident_id = make_resident(session)
        unannounced = make_release(session, make_campaign(session, small), mode=Mode.LOTTERY).id
        paused = make_lottery(session, season=small)
        pause(session, paused)
        early = make_lottery(session, season=small)
        session.execute(
            update(Release).where(Release.id == early).values(opens_at=db_now(session) + HOUR / 2)
        )
        over = make_lottery(session, season=small)
        session.execute(
            update(LotteryDraw)
            .where(LotteryDraw.release_id == over)
            .values(entries_close_at=db_now(session))
        )
    assert refused_by(held, unannounced, resident_id) is DrawNotFoundError
    assert refused_by(held, paused, resident_id) is ReleasePausedError
    assert refused_by(held, early, resident_id) is NotOpenYetError
    assert refused_by(held, over, resident_id) is EntriesClosedError
    assert entry_count(held) == 0


def test_only_who_may_claim_may_enter(held: Resources) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        for_young = make_lottery(session, season=small, eligibility={"max_age": 40})
        for_children = make_lottery(session, season=small, eligibility={"min_age": 6})
        grown_up = make_resident(session)
        child = make_resident(session, born_on=date(2015, 6, 1))
    assert refused_by(held, for_young, grown_up) is TooOldError
    assert refused_by(held, for_children, child) is GuardianNeededError
    assert entry_count(held) == 0
    with transaction(held.sessions) as session:
        assert enter(session, for_children, child, entered_by_id=grown_up)


def test_closing_waits_for_no_clock_but_the_databases(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
    with pytest.raises(DrawStateError), transaction(held.sessions) as session:
        close(session, release_id, now=db_now(session))
    with pytest.raises(DrawStateError):
        draw_with(held, release_id, {"bytes": "00" * 32})


def test_after_closing_nobody_enters_or_leaves(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        one, two = make_resident(session), make_resident(session)
        enter(session, release_id, one)
    assert close_now(held, release_id) is DrawState.CLOSED
    assert refused_by(held, release_id, two) is EntriesClosedError
    with pytest.raises(EntriesClosedError), transaction(held.sessions) as session:
        withdraw(session, release_id, one)
    assert entry_count(held) == 1
    with pytest.raises(DrawStateError):
        close_now(held, release_id)
    assert_invariants(held)


def test_a_draw_that_could_not_be_closed_before_its_seed_has_to_be_announced_anew(
    held: Resources,
) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        enter_many(session, release_id, 3)
        found = session.get_one(LotteryDraw, release_id)
        just_before = found.seed_available_at - timedelta(seconds=5)
    with transaction(held.sessions) as session:
        assert close(session, release_id, now=just_before) is DrawState.LATE
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert (found.state, found.merkle_root) == (DrawState.LATE, None)
    announce_in(held, release_id, closes_in=HOUR, seed_in=3 * HOUR)
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert found.state == DrawState.COLLECTING
        assert '"name":"another"' in found.announcement
    assert close_now(held, release_id) is DrawState.CLOSED
    assert entry_count(held) == 3
    assert_invariants(held)


def test_an_announcement_stands_once_it_is_made(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        before = session.get_one(LotteryDraw, release_id).announcement
    with pytest.raises(AnnouncementRefusedError) as refusal:
        announce_in(held, release_id, closes_in=HOUR, seed_in=5 * HOUR)
    assert refusal.value.extra == {"fault": AnnouncementFault.ANNOUNCED}
    with transaction(held.sessions) as session:
        assert session.get_one(LotteryDraw, release_id).announcement == before


@pytest.mark.parametrize(
    ("hours", "columns", "terms", "fault"),
    [
        ((1, 2), {"mode": Mode.FIRST_COME}, {}, AnnouncementFault.NOT_A_LOTTERY),
        ((1, 2), {}, {"claim_channels": ["onsite"]}, AnnouncementFault.NOT_ONLINE),
        ((-1, 2), {}, {}, AnnouncementFault.WINDOW_EMPTY),
        ((1, 1.05), {}, {}, AnnouncementFault.SEED_TOO_SOON),
        ((1, 0.5), {}, {}, AnnouncementFault.SEED_TOO_SOON),
        ((1, 7 * 24), {}, {}, AnnouncementFault.GRANT_TOO_LATE),
    ],
)
def test_an_announcement_nobody_could_trust_is_refused(
    held: Resources,
    hours: tuple[float, float],
    columns: dict[str, object],
    terms: dict[str, object],
    fault: AnnouncementFault,
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session), **terms)
        release_id = make_release(session, campaign, **({"mode": Mode.LOTTERY} | columns)).id
    closes_in, seed_in = (HOUR * count for count in hours)
    with pytest.raises(AnnouncementRefusedError) as refusal:
        announce_in(held, release_id, closes_in=closes_in, seed_in=seed_in)
    assert refusal.value.extra == {"fault": fault}
    with transaction(held.sessions) as session:
        assert session.get(LotteryDraw, release_id) is None


def test_seats_kept_for_groups_and_a_lottery_do_not_go_together(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        group = Group("老年人", Eligibility(min_age=60), seats=5)
        release_id = make_release(session, campaign, groups=[group], mode=Mode.LOTTERY).id
    with pytest.raises(AnnouncementRefusedError) as refusal:
        announce_in(held, release_id, closes_in=HOUR, seed_in=2 * HOUR)
    assert refusal.value.extra == {"fault": AnnouncementFault.HAS_QUOTAS}


def test_a_draft_can_be_announced_and_takes_entries_once_published(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        release_id = draft_release(session, campaign, mode=Mode.LOTTERY).id
        resident_id = make_resident(session)
    announce_in(held, release_id, closes_in=HOUR, seed_in=2 * HOUR)
    assert refused_by(held, release_id, resident_id) is NotOpenYetError
    with transaction(held.sessions) as session:
        publish(session, release_id, now=db_now(session))
    with transaction(held.sessions) as session:
        assert enter(session, release_id, resident_id)


def test_the_winners_are_the_lowest_lots_and_everybody_can_prove_their_place(
    held: Resources,
) -> None:
    release_id = whole_lottery(held, entries=1_500, quantity=200)
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert (found.state, found.winners_count, found.entries_count) == ("published", 200, 1_500)
        assert found.seed is not None
        assert found.merkle_root is not None
        entries = entries_by_rank(session, release_id)
        leaves = sorted(entry.leaf for entry in entries)
        # Around the last winner, and where one block of the tree ends and the next begins.
        chosen = {1, 2, 200, 201, 1_500}
        chosen |= {
            rank
            for rank, entry in enumerate(entries, start=1)
            if entry.leaf in (leaves[0], leaves[1_023], leaves[1_024], leaves[-1])
        }
        lots = []
        for rank in sorted(chosen):
            entry = entries[rank - 1]
            proof, drawn = proof_of(session, found, entry), rank_of(session, entry)
            assert drawn is not None
            assert (drawn.rank, has_won(found, drawn)) == (rank, rank <= 200)
            assert proof.leaf == leaf_hash(entry.salt, entry.id.bytes) == entry.leaf
            assert proof.position == leaves.index(entry.leaf)
            assert proves(proof.leaf, proof.position, 1_500, proof.siblings, found.merkle_root)
            lots.append(lot_of(found.seed, proof.leaf))
        assert lots == sorted(lots)
        winners = {entry.resident_id for entry in entries[:200]}
        assert set(session.scalars(select(Voucher.resident_id))) == winners
        told = dict(session.execute(select(Notice.kind, func.count()).group_by(Notice.kind)).all())
        assert told == {NoticeKind.LOTTERY_WON: 200, NoticeKind.LOTTERY_LOST: 1_300}
    assert_invariants(held)


@pytest.mark.parametrize(("entries", "quantity"), [(0, 5), (1, 5), (5, 5)])
def test_where_there_is_enough_for_everybody_everybody_wins(
    held: Resources, entries: int, quantity: int
) -> None:
    release_id = whole_lottery(held, entries=entries, quantity=quantity)
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert (found.state, found.winners_count) == ("published", entries)
    assert_invariants(held)


def test_the_same_seed_draws_the_same_order_and_another_one_another(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        enter_many(session, release_id, 50)
    close_now(held, release_id)
    orders = []
    for seed in ("11" * 32, "11" * 32, "22" * 32):
        with transaction(held.sessions) as session:
            found = session.get_one(LotteryDraw, release_id)
            draw(session, release_id, {"bytes": seed}, now=found.seed_available_at)
            session.flush()
            orders.append([entry.id for entry in entries_by_rank(session, release_id)])
            session.rollback()
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_a_seed_before_its_time_or_not_the_announced_one_draws_nothing(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        enter_many(session, release_id, 5)
    close_now(held, release_id)
    with pytest.raises(SeedNotYetError), transaction(held.sessions) as session:
        draw(session, release_id, {"bytes": "00" * 32}, now=db_now(session))
    foreign: list[dict[str, object]] = [{"bytes": "no hex"}, {"numbers": [1, 2]}, {}]
    for evidence in foreign:
        with pytest.raises(SeedEvidenceError):
            draw_with(held, release_id, evidence)
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert (found.state, found.seed) == (DrawState.CLOSED, None)
        assert ranks_of(session, release_id) == []


def test_who_may_no_longer_have_a_voucher_is_passed_over_and_the_next_moves_up(
    held: Resources,
) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, quantity=4)
        enter_many(session, release_id, 10)
    close_now(held, release_id)
    draw_now(held, release_id)
    with transaction(held.sessions) as session:
        second = ranks_of(session, release_id)[1]
        session.execute(
            text("UPDATE residents SET born_on = '2015-06-01' WHERE id = :id"),
            {"id": second.resident_id},
        )
    finish(held, release_id)
    with transaction(held.sessions) as session:
        found = session.get_one(LotteryDraw, release_id)
        assert (found.winners_count, found.decided_rank) == (4, 5)
        ranks = ranks_of(session, release_id)
        assert [drawn.refusal for drawn in ranks[:6]] == [None, "too-young", *[None] * 4]
        assert [has_won(found, drawn) for drawn in ranks[:6]] == [
            True,
            False,
            True,
            True,
            True,
            False,
        ]
        lost = select(func.count()).where(Notice.kind == NoticeKind.LOTTERY_LOST)
        assert session.execute(lost).scalar_one() == 6
    assert_invariants(held)


def test_a_paused_release_stops_the_granting_and_nothing_is_lost(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, quantity=3)
        enter_many(session, release_id, 9)
    close_now(held, release_id)
    draw_now(held, release_id)
    with transaction(held.sessions) as session:
        pause(session, release_id)
    with pytest.raises(ReleasePausedError), transaction(held.sessions) as session:
        grant_batch(session, gate(), release_id)
    with transaction(held.sessions) as session:
        assert session.get_one(LotteryDraw, release_id).decided_rank == 0
        assert session.scalars(select(Voucher.id)).all() == []
        resume(session, release_id)
    drain(held.sessions)  # the gate learns of it
    finish(held, release_id)
    with transaction(held.sessions) as session:
        assert session.get_one(LotteryDraw, release_id).winners_count == 3
    assert_invariants(held)


def test_an_entry_slipped_in_after_the_closing_is_named(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
        enter_many(session, release_id, 20)
    close_now(held, release_id)
    assert_invariants(held)
    with transaction(held.sessions) as session:
        enter_many(session, release_id, 1)
    with transaction(held.sessions) as session:
        (found,) = violations(session, held.invariants)
    assert found.invariant == "closed entries are those that were committed to"
    assert f"release_id={release_id}, entries_count=20, count=21" in found.found
