"""From a suspicious redemption to a decision, through the real use cases and the real job."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable, Standing
from coupon_service.ledger.payables import shift
from coupon_service.ledger.queries import season_totals_fen
from fraud.check import check_redemption
from fraud.decide import release
from fraud.errors import CaseNotFoundError
from fraud.models import Case, CaseState, Hold, StoredFinding
from fraud.queries import case_of, cases, suspects
from redemption.models import Redemption
from redemption.reverse import reverse
from tests.factories.fraud import (
    bought,
    make_scene,
    make_shop,
    only_case,
    open_cases,
    planted_pattern,
    standings,
)
from tests.factories.people import make_resident
from tests.invariants import assert_invariants

OFFICIAL = new_id()


def snapshot(held: Resources) -> tuple[object, ...]:
    """Everything a decision could have changed."""
    with transaction(held.sessions) as session:
        return (
            session.execute(select(Case.id, Case.state, Case.due_at)).all(),
            session.execute(select(Hold.payable_id, Hold.ended_at).order_by(Hold.payable_id)).all(),
            session.execute(select(Payable.id, Payable.standing).order_by(Payable.id)).all(),
        )


def test_an_honest_afternoon_opens_no_case(held: Resources) -> None:
    scene = make_scene(held)
    orders = [
        bought(held, scene, order_fen=5_000 + 700 * n, at=timedelta(minutes=10 * n))
        for n in range(1, 9)
    ]
    drain(held.sessions)
    assert open_cases(held) == []
    assert set(standings(held, orders)) == {Standing.PAYABLE}
    assert_invariants(held)


def test_a_planted_pattern_is_held_and_the_shops_clean_orders_are_not(held: Resources) -> None:
    scene = make_scene(held)
    clean = [bought(held, scene, at=timedelta(minutes=5 * n)) for n in range(1, 4)]
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    assert set(standings(held, suspicious)) == {Standing.HELD}
    assert set(standings(held, clean)) == {Standing.PAYABLE}
    with transaction(held.sessions) as session:
        totals = season_totals_fen(session, scene.small.season.id)
        summary = case_of(session, scene.small.district.id, only_case(held))
    assert totals[AccountKind.HELD] == summary.held_fen == 2_000 * len(suspicious)
    assert summary.held_count == len(suspicious)
    assert set(summary.rules) >= {"device-shared", "burst-at-till", "amount-at-threshold"}
    assert_invariants(held)


def test_the_check_run_again_changes_nothing(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    before = snapshot(held)
    with transaction(held.sessions) as session:
        findings = session.execute(select(func.count()).select_from(StoredFinding)).scalar_one()
        for redemption in suspicious:
            check_redemption(session, redemption.id, now=db_now(session))
    assert snapshot(held) == before
    with transaction(held.sessions) as session:
        assert (
            session.execute(select(func.count()).select_from(StoredFinding)).scalar_one()
            == findings
        )
    assert_invariants(held)


def test_the_order_in_which_the_checks_run_does_not_matter(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    for redemption in reversed(suspicious):
        with transaction(held.sessions) as session:
            check_redemption(session, redemption.id, now=db_now(session))
    assert set(standings(held, suspicious)) == {Standing.HELD}
    drain(held.sessions)
    assert_invariants(held)


def test_checks_at_the_same_moment_open_one_case(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)

    def check(redemption: Redemption) -> None:
        with transaction(held.sessions) as session:
            check_redemption(session, redemption.id, now=db_now(session))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(check, suspicious))
    assert len(open_cases(held)) == 1
    assert set(standings(held, suspicious)) == {Standing.HELD}
    assert_invariants(held)


def test_one_weak_finding_holds_nothing_until_a_case_is_open(held: Resources) -> None:
    scene = make_scene(held)
    early = [
        bought(held, scene, device_hash=b"e" * 32, at=timedelta(minutes=10 * n))
        for n in range(1, 5)
    ]
    drain(held.sessions)
    assert open_cases(held) == []
    with transaction(held.sessions) as session:
        (finding,) = session.scalars(select(StoredFinding))
    assert (finding.rule, finding.case_id) == ("device-shared", None)

    planted_pattern(held, scene)
    # The same shared phone again, once the case is open.
    late = bought(held, scene, device_hash=b"e" * 32, at=timedelta(hours=3))
    clean = bought(held, scene, at=timedelta(hours=3, minutes=5))
    drain(held.sessions)
    assert standings(held, [late, clean]) == [Standing.HELD, Standing.PAYABLE]
    assert set(standings(held, early)) == {Standing.PAYABLE}
    assert_invariants(held)


def test_another_merchant_is_not_touched(held: Resources) -> None:
    scene = make_scene(held)
    with transaction(held.sessions) as session:
        neighbour = make_shop(session, scene.small.district.id, name="邻家饭馆")
    theirs = bought(held, scene, shop=neighbour, at=timedelta(hours=2, seconds=7))
    planted_pattern(held, scene)
    drain(held.sessions)
    assert standings(held, [theirs]) == [Standing.PAYABLE]
    assert_invariants(held)


def test_a_reversed_redemption_leaves_its_case_and_the_rest_stays_held(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    case_id = only_case(held)
    gone, rest = suspicious[0], suspicious[1:]
    with transaction(held.sessions) as session:
        reverse(session, scene.shop.till.id, gone.order_no, now=gone.redeemed_at)
    assert_invariants(held)
    drain(held.sessions)
    assert_invariants(held)
    with transaction(held.sessions) as session:
        summary = case_of(session, scene.small.district.id, case_id)
        rows = {row.redemption_id: row for row in suspects(session, case_id)}
    assert summary.state is CaseState.OPEN
    assert summary.held_count == len(rest)
    assert not rows[gone.id].is_held
    assert rows[gone.id].state == "reversed"
    with transaction(held.sessions) as session:
        freed = release(session, case_id, official_id=OFFICIAL, reason="核实", now=db_now(session))
    assert freed == len(rest)
    assert standings(held, suspicious) == [Standing.REVERSED, *[Standing.PAYABLE] * len(rest)]
    assert_invariants(held)


def test_a_case_decided_between_a_reversal_and_its_job_frees_only_what_is_left(
    held: Resources,
) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    case_id = only_case(held)
    with transaction(held.sessions) as session:
        reverse(session, scene.shop.till.id, suspicious[0].order_no, now=suspicious[0].redeemed_at)
    with transaction(held.sessions) as session:
        release(session, case_id, official_id=OFFICIAL, reason="核实", now=db_now(session))
    drain(held.sessions)
    assert standings(held, suspicious)[:2] == [Standing.REVERSED, Standing.PAYABLE]
    assert_invariants(held)


def test_a_redemption_reversed_before_its_check_is_not_judged(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene, count=6)
    with transaction(held.sessions) as session:
        for redemption in suspicious:
            reverse(session, scene.shop.till.id, redemption.order_no, now=redemption.redeemed_at)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        assert session.scalars(select(StoredFinding)).all() == []
    assert_invariants(held)


def test_money_that_is_with_the_bank_is_not_called_back(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    batch_id = new_id()
    with transaction(held.sessions) as session:
        shift(
            session,
            [suspicious[0].id],
            Standing.PAYABLE,
            Standing.IN_FLIGHT,
            txn_id=batch_id,
            reason="settle",
            batch_id=batch_id,
        )
    with transaction(held.sessions) as session:
        for redemption in suspicious:
            check_redemption(session, redemption.id, now=db_now(session))
    assert standings(held, suspicious)[:2] == [Standing.IN_FLIGHT, Standing.HELD]


def test_another_district_sees_no_case(held: Resources) -> None:
    scene = make_scene(held)
    elsewhere = make_scene(held)
    planted_pattern(held, scene)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        assert len(cases(session, scene.small.district.id)) == 1
        assert cases(session, elsewhere.small.district.id) == []
    with pytest.raises(CaseNotFoundError), transaction(held.sessions) as session:
        case_of(session, elsewhere.small.district.id, only_case(held))


def test_a_case_file_numbers_people_and_phones_instead_of_naming_them(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        rows = suspects(session, only_case(held))
    assert [row.redemption_id for row in rows] == [redemption.id for redemption in suspicious]
    assert sorted(row.resident_no for row in rows) == list(range(1, len(rows) + 1))
    assert {row.device_no for row in rows} == {1}


def test_a_set_of_one_residents_vouchers_weighs_more_when_each_hits_the_threshold(
    held: Resources,
) -> None:
    scene = make_scene(held)
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
    cycled = [
        bought(
            held,
            scene,
            order_fen=5_000,
            resident_id=resident_id,
            ordinal=n,
            at=timedelta(hours=2, minutes=3 * n),
        )
        for n in range(1, 8)
    ]
    drain(held.sessions)
    assert set(standings(held, cycled)) == {Standing.HELD}
    assert_invariants(held)
