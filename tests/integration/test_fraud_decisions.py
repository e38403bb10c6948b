"""What officials decide about a case, and what happens when they do not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import Payable, Standing
from fraud.check import DECIDE_WITHIN_DAYS
from fraud.decide import UNDECIDED_DAYS_MAX, confirm, prolong, release
from fraud.errors import CaseDecidedError, CaseNotFoundError, CaseNotProlongableError
from fraud.lapse import lapse_overdue
from fraud.models import Case, CaseState, Hold
from fraud.queries import case_of
from tests.factories.fraud import (
    DEVICE,
    bought,
    make_scene,
    only_case,
    open_cases,
    planted_pattern,
    standings,
)
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


def test_released_money_is_payable_again_and_not_held_a_second_time(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    case_id = only_case(held)
    with transaction(held.sessions) as session:
        freed = release(
            session, case_id, official_id=OFFICIAL, reason="现场核实", now=db_now(session)
        )
    assert freed == len(suspicious)
    assert set(standings(held, suspicious)) == {Standing.PAYABLE}
    assert_invariants(held)

    another = bought(
        held, scene, order_fen=5_000, device_hash=DEVICE, at=timedelta(hours=2, seconds=20)
    )
    drain(held.sessions)
    assert only_case(held) != case_id
    assert standings(held, [another]) == [Standing.HELD]
    assert set(standings(held, suspicious)) == {Standing.PAYABLE}
    assert_invariants(held)


def test_confirmed_fraud_keeps_its_money_held_and_closes_the_merchants_tills(
    held: Resources,
) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    case_id = only_case(held)
    with transaction(held.sessions) as session:
        confirm(session, case_id, official_id=OFFICIAL, reason="虚构交易", now=db_now(session))
    assert set(standings(held, suspicious)) == {Standing.HELD}
    with pytest.raises(ProblemError) as refused:
        bought(held, scene, at=timedelta(hours=5))
    assert refused.value.status in (403, 409)
    assert_invariants(held)


def test_nobody_decides_twice(held: Resources) -> None:
    scene = make_scene(held)
    planted_pattern(held, scene)
    drain(held.sessions)
    case_id = only_case(held)
    with transaction(held.sessions) as session:
        now = db_now(session)
        release(session, case_id, official_id=OFFICIAL, reason="误报", now=now)
    before = snapshot(held)
    for decide in (release, confirm):
        with pytest.raises(CaseDecidedError), transaction(held.sessions) as session:
            decide(session, case_id, official_id=OFFICIAL, reason="再来一次", now=now)
        with pytest.raises(CaseNotFoundError), transaction(held.sessions) as session:
            decide(session, new_id(), official_id=OFFICIAL, reason="没有", now=now)
    assert snapshot(held) == before
    assert_invariants(held)


def test_of_two_officials_at_once_one_decides(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    case_id = only_case(held)

    def decide(use_case: object) -> bool:
        try:
            with transaction(held.sessions) as session:
                now = db_now(session)
                use_case(session, case_id, official_id=OFFICIAL, reason="同时", now=now)  # type: ignore[operator]
        except CaseDecidedError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(decide, [release, confirm])) == [False, True]
    assert len(set(standings(held, suspicious))) == 1
    assert_invariants(held)


def test_an_undecided_case_lapses_and_its_money_is_payable_again(held: Resources) -> None:
    scene = make_scene(held)
    suspicious = planted_pattern(held, scene)
    drain(held.sessions)
    (case,) = open_cases(held)
    with transaction(held.sessions) as session:
        assert lapse_overdue(session, now=case.due_at - timedelta(seconds=1)) == []
    with transaction(held.sessions) as session:
        assert lapse_overdue(session, now=case.due_at) == [case.id]
    assert set(standings(held, suspicious)) == {Standing.PAYABLE}
    with transaction(held.sessions) as session:
        summary = case_of(session, scene.small.district.id, case.id)
    assert (summary.state, summary.decided_by) == (CaseState.LAPSED, None)
    with pytest.raises(CaseDecidedError), transaction(held.sessions) as session:
        confirm(session, case.id, official_id=OFFICIAL, reason="太晚", now=db_now(session))
    assert_invariants(held)


def test_a_case_can_be_prolonged_but_not_for_ever(held: Resources) -> None:
    scene = make_scene(held)
    planted_pattern(held, scene)
    drain(held.sessions)
    (case,) = open_cases(held)
    ends = []
    for days in (5, 14, 23):
        with transaction(held.sessions) as session:
            ends.append(prolong(session, case.id, now=case.opened_at + timedelta(days=days)))
    assert ends == [
        case.opened_at + timedelta(days=5 + DECIDE_WITHIN_DAYS),
        case.opened_at + timedelta(days=14 + DECIDE_WITHIN_DAYS),
        case.opened_at + timedelta(days=UNDECIDED_DAYS_MAX),
    ]
    with pytest.raises(CaseNotProlongableError), transaction(held.sessions) as session:
        prolong(session, case.id, now=case.opened_at + timedelta(days=29))
    assert open_cases(held)[0].due_at == ends[-1]
