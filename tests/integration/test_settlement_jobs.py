"""Settlement as background work: due once a day, and done once however often it is delivered."""

from datetime import timedelta

from sqlalchemy import func, select, update

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain, emit_due, emit_job
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import Payable
from merchants.models import SettlementBatch
from merchants.settlement.jobs import request_run
from tests.factories.campaigns import make_season
from tests.factories.merchants import make_bazaar, make_payee, owe
from tests.invariants import assert_invariants


def test_the_daily_job_settles_every_season_that_owes_something(held: Resources) -> None:
    with transaction(held.sessions) as session:
        owing = make_bazaar(session)
        make_season(session)
        counter = make_payee(held, session, owing)
        yesterday = owe(session, owing, counter, 1_000)
        owe(session, owing, counter, 300)
        # Two days back whatever the time of day is now.
        session.execute(
            update(Payable)
            .where(Payable.id == yesterday)
            .values(incurred_at=Payable.incurred_at - timedelta(days=2))
        )
    with transaction(held.sessions) as session:
        emit_job(session, "settlement.daily")
    drain(held.sessions)
    with transaction(held.sessions) as session:
        batch = session.scalars(select(SettlementBatch)).one()
        assert (batch.season_id, batch.total_fen) == (owing.season_id, 1_000)
    assert_invariants(held)


def test_the_daily_job_is_due_once_a_day_from_two_in_the_morning(held: Resources) -> None:
    with transaction(held.sessions) as session:
        day = db_now(session).replace(hour=0, minute=0, second=0)  # 08:00 in Beijing
        for hours in (-8, -7, -6.1):  # 00:00 to 01:54
            emit_due(session, held.jobs, day + timedelta(hours=hours) + timedelta(days=1))
        due_query = select(func.count()).where(OutboxRow.job == "settlement.daily")
        before = session.execute(due_query).scalar_one()
        for hours in (-6, 0, 15):  # 02:00, 08:00, 23:00
            emit_due(session, held.jobs, day + timedelta(hours=hours) + timedelta(days=1))
        assert (before, session.execute(due_query).scalar_one()) == (0, 1)


def test_one_run_delivered_twice_settles_once(held: Resources) -> None:
    with transaction(held.sessions) as session:
        bazaar = make_bazaar(session)
        owe(session, bazaar, make_payee(held, session, bazaar), 1_000)
    with transaction(held.sessions) as session:
        now = db_now(session)
        for _ in range(3):
            request_run(session, bazaar.season_id, now)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        batch = session.scalars(select(SettlementBatch)).one()
        assert batch.line_count == 1
        unfinished = select(OutboxRow.last_error).where(
            OutboxRow.done_at.is_(None), OutboxRow.queue == "settlement"
        )
        assert session.scalars(unfinished).all() == []
    assert_invariants(held)
