"""Settlement dies at every one of its statements, and just before and after its COMMIT."""

import itertools
import os
import signal
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.db import make_engine, make_sessions, transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.ledger.models import AccountKind
from coupon_service.ledger.queries import season_totals_fen
from merchants.models import SettlementBatch, SettlementLine
from merchants.settlement.answer import import_answer
from merchants.settlement.settle import settle
from tests.factories.merchants import (
    Bazaar,
    bank_answer,
    batch_file,
    make_bazaar,
    make_payee,
    owe,
    settle_now,
    take_back,
)
from tests.invariants import assert_invariants


def die_at(
    settings: Settings, held: Resources, point: int, act: Callable[[Session], object]
) -> None:
    """Run `act` in a process that is killed at its n-th statement, COMMIT included, or after it."""
    assert settings.database_url is not None
    pid = os.fork()
    if pid == 0:
        try:
            engine = make_engine(settings.database_url, pool_size=1, timeout_s=5)
            seen = itertools.count(1)

            def die_there(*_: object) -> None:
                if next(seen) == point:
                    os.kill(os.getpid(), signal.SIGKILL)

            event.listen(engine, "before_cursor_execute", die_there)
            event.listen(engine, "commit", die_there)
            with transaction(make_sessions(engine, jobs=held.jobs)) as session:
                act(session)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def kill_everywhere(
    settings: Settings, held: Resources, act: Callable[[Session], object], done: Callable[[], bool]
) -> int:
    """Kill `act` at each of its statements until a run dies after COMMIT; returns how many."""
    for point in itertools.count(1):
        die_at(settings, held, point, act)
        assert_invariants(held)
        if done():
            return point
    raise AssertionError("unreachable")


def make_debts(held: Resources) -> Bazaar:
    """Two merchants, one with a debit to set off, one wholly netted."""
    with transaction(held.sessions) as session:
        bazaar = make_bazaar(session)
        first, second = (make_payee(held, session, bazaar) for _ in range(2))
        paid = [owe(session, bazaar, first, 500), owe(session, bazaar, second, 900)]
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    with transaction(held.sessions) as session:
        import_answer(
            session,
            batch.id,
            bank_answer(batch_file(held, batch.id)).encode(),
            now=db_now(session),
        )
        for item in paid:
            take_back(session, item)
        for amount_fen in (1_000, 2_000):
            owe(session, bazaar, first, amount_fen)
        owe(session, bazaar, second, 900)
    return bazaar


def test_settlement_killed_anywhere_puts_each_redemption_in_exactly_one_line(
    settings: Settings, held: Resources
) -> None:
    bazaar = make_debts(held)
    with transaction(held.sessions) as session:
        cutoff_at = db_now(session)

    def act(session: Session) -> None:
        settle(session, held.vault, season_id=bazaar.season_id, cutoff_at=cutoff_at, now=cutoff_at)

    def done() -> bool:
        with transaction(held.sessions) as session:
            return len(session.scalars(select(SettlementBatch)).all()) == 2

    assert kill_everywhere(settings, held, act, done) >= 20
    again = settle_now(held, bazaar.season_id, cutoff_at=cutoff_at)
    assert again is not None
    assert again.total_fen == 2_500
    with transaction(held.sessions) as session:
        assert len(session.scalars(select(SettlementLine)).all()) == 5
        assert season_totals_fen(session, bazaar.season_id)[AccountKind.IN_FLIGHT] == 3_000
    assert_invariants(held)


def test_an_import_killed_anywhere_is_finished_by_importing_again(
    settings: Settings, held: Resources
) -> None:
    bazaar = make_debts(held)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    batch_id: UUID = batch.id
    content = bank_answer(batch_file(held, batch_id)).encode()

    def act(session: Session) -> None:
        import_answer(session, batch_id, content, now=db_now(session))

    def done() -> bool:
        with transaction(held.sessions) as session:
            return session.get_one(SettlementBatch, batch_id).settled_at is not None

    assert kill_everywhere(settings, held, act, done) >= 8
    with transaction(held.sessions) as session:
        summary = import_answer(session, batch_id, content, now=db_now(session))
        assert (summary.paid, summary.repeated, summary.open) == (0, 1, 0)
        assert season_totals_fen(session, bazaar.season_id)[AccountKind.MERCHANT_DEBIT] == 0
    assert_invariants(held)
