"""Money that came back after it was paid, or while it was on its way."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable, Standing
from coupon_service.ledger.queries import season_totals_fen
from merchants.models import BatchState, Payout, PayoutState, SettlementBatch, SettlementNetting
from merchants.settlement.answer import import_answer
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
from tests.factories.redemption import Counter
from tests.invariants import assert_invariants


class Stall:
    """One merchant of one season, told what happens to it in one line each."""

    def __init__(self, held: Resources) -> None:
        self.held = held
        with transaction(held.sessions) as session:
            self.bazaar: Bazaar = make_bazaar(session)
            self.counter: Counter = make_payee(held, session, self.bazaar)

    def earn(self, amount_fen: int) -> UUID:
        with transaction(self.held.sessions) as session:
            return owe(session, self.bazaar, self.counter, amount_fen)

    def take_back(self, payable_id: UUID) -> None:
        with transaction(self.held.sessions) as session:
            take_back(session, payable_id)

    def settle(self) -> Payout:
        batch = settle_now(self.held, self.bazaar.season_id)
        assert batch is not None
        return self.payout(batch.id)

    def payout(self, batch_id: UUID) -> Payout:
        with transaction(self.held.sessions) as session:
            return session.scalars(select(Payout).where(Payout.batch_id == batch_id)).one()

    def answer(self, payout: Payout, *, paid: bool = True) -> None:
        file = batch_file(self.held, payout.batch_id)
        content = bank_answer(file, rejected=() if paid else (payout.position,)).encode()
        with transaction(self.held.sessions) as session:
            import_answer(session, payout.batch_id, content, now=db_now(session))

    def totals(self) -> dict[AccountKind, int]:
        with transaction(self.held.sessions) as session:
            return season_totals_fen(session, self.bazaar.season_id)

    def standing(self, payable_id: UUID) -> str:
        with transaction(self.held.sessions) as session:
            return session.get_one(Payable, payable_id).standing


@pytest.fixture
def stall(held: Resources) -> Stall:
    return Stall(held)


def test_a_reversal_after_payment_is_set_off_in_the_next_batch(
    held: Resources, stall: Stall
) -> None:
    item = stall.earn(3_000)
    stall.answer(stall.settle())
    budget_before = stall.totals()[AccountKind.BUDGET]
    stall.take_back(item)
    assert stall.totals()[AccountKind.MERCHANT_DEBIT] == 3_000
    assert_invariants(held)

    stall.earn(5_000)
    payout = stall.settle()
    assert (payout.amount_fen, payout.netted_fen) == (2_000, 3_000)
    assert b",20.00" in batch_file(held, payout.batch_id)
    assert stall.totals()[AccountKind.MERCHANT_DEBIT] == 3_000, "the bank has not answered yet"
    assert_invariants(held)

    stall.answer(payout)
    after = stall.totals()
    assert (after[AccountKind.PAID], after[AccountKind.MERCHANT_DEBIT]) == (5_000, 0)
    # The voucher's face was reserved again out of the budget, and the 3,000 came back to it.
    assert after[AccountKind.BUDGET] == budget_before - 10_000 + 3_000 + 5_000
    assert_invariants(held)


def test_a_debit_larger_than_what_is_owed_is_set_off_in_parts(
    held: Resources, stall: Stall
) -> None:
    items = [stall.earn(3_000), stall.earn(3_000)]
    stall.answer(stall.settle())
    for item in items:
        stall.take_back(item)
    stall.earn(4_000)
    first = stall.settle()
    assert (first.state, first.amount_fen, first.netted_fen) == (PayoutState.NETTED, 0, 4_000)
    with transaction(held.sessions) as session:
        batch = session.get_one(SettlementBatch, first.batch_id)
        assert (batch.state, batch.payout_count, batch.total_fen) == (BatchState.SETTLED, 0, 0)
        parts = session.scalars(
            select(SettlementNetting.amount_fen).order_by(SettlementNetting.amount_fen)
        ).all()
        assert parts == [1_000, 3_000]
    assert stall.totals()[AccountKind.MERCHANT_DEBIT] == 2_000
    assert_invariants(held)

    stall.earn(2_500)
    second = stall.settle()
    assert (second.amount_fen, second.netted_fen) == (500, 2_000)
    stall.answer(second)
    after = stall.totals()
    assert (after[AccountKind.PAID], after[AccountKind.MERCHANT_DEBIT]) == (6_500, 0)
    assert_invariants(held)


def test_two_batches_under_way_do_not_set_off_one_debit_twice(
    held: Resources, stall: Stall
) -> None:
    item = stall.earn(3_000)
    stall.answer(stall.settle())
    stall.take_back(item)
    stall.earn(5_000)
    first = stall.settle()
    stall.earn(5_000)
    second = stall.settle()
    assert (first.netted_fen, second.netted_fen) == (3_000, 0)
    stall.answer(second)
    stall.answer(first)
    assert stall.totals()[AccountKind.MERCHANT_DEBIT] == 0
    assert_invariants(held)


def test_a_rejected_payout_leaves_the_debit_open_for_the_next(
    held: Resources, stall: Stall
) -> None:
    item = stall.earn(3_000)
    stall.answer(stall.settle())
    stall.take_back(item)
    stall.earn(5_000)
    stall.answer(stall.settle(), paid=False)
    after = stall.totals()
    assert (after[AccountKind.PAYABLE], after[AccountKind.MERCHANT_DEBIT]) == (5_000, 3_000)
    assert_invariants(held)

    again = stall.settle()
    assert (again.amount_fen, again.netted_fen) == (2_000, 3_000)
    stall.answer(again)
    assert stall.totals()[AccountKind.MERCHANT_DEBIT] == 0
    assert_invariants(held)


def test_a_reversal_in_flight_becomes_a_debit_when_the_bank_pays(
    held: Resources, stall: Stall
) -> None:
    item = stall.earn(3_000)
    stall.earn(2_000)
    payout = stall.settle()
    stall.take_back(item)
    assert_invariants(held)

    stall.earn(1_000)
    meanwhile = stall.settle()
    assert meanwhile.netted_fen == 0, "what may still be rejected is not owed back yet"
    stall.answer(payout)
    assert stall.standing(item) == Standing.REVERSED
    stall.answer(meanwhile)
    stall.earn(4_000)
    last = stall.settle()
    assert (last.amount_fen, last.netted_fen) == (1_000, 3_000)
    stall.answer(last)
    assert stall.totals()[AccountKind.MERCHANT_DEBIT] == 0
    assert_invariants(held)


def test_a_reversal_in_flight_owes_nothing_when_the_bank_rejects(
    held: Resources, stall: Stall
) -> None:
    item = stall.earn(3_000)
    other = stall.earn(2_000)
    payout = stall.settle()
    stall.take_back(item)
    stall.answer(payout, paid=False)
    assert (stall.standing(item), stall.standing(other)) == (Standing.REVERSED, Standing.PAYABLE)
    after = stall.totals()
    assert (after[AccountKind.MERCHANT_DEBIT], after[AccountKind.PAYABLE]) == (0, 2_000)
    assert_invariants(held)

    again = stall.settle()
    assert (again.amount_fen, again.netted_fen) == (2_000, 0)
    stall.answer(again)
    assert_invariants(held)


STEP = st.one_of(
    st.tuples(st.just("earn"), st.integers(1, 10_000)),
    st.tuples(st.just("take back"), st.integers(0, 30)),
    st.tuples(st.just("settle"), st.none()),
    st.tuples(st.just("answer paid"), st.integers(0, 30)),
    st.tuples(st.just("answer rejected"), st.integers(0, 30)),
)


@example_settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # every step is a transaction: shrinking takes long
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=8, max_size=20))
def test_whatever_happens_the_merchant_ends_with_what_it_earned(
    held: Resources, steps: list[tuple[str, int | None]]
) -> None:
    stall = Stall(held)
    live: list[tuple[UUID, int]] = []
    waiting: list[Payout] = []

    def settle() -> None:
        batch = settle_now(held, stall.bazaar.season_id)
        if batch is not None and batch.state == BatchState.INSTRUCTED:
            waiting.append(stall.payout(batch.id))

    for act, argument in steps:
        if act == "earn" and argument is not None:
            live.append((stall.earn(argument), argument))
        elif act == "take back" and argument is not None and live:
            stall.take_back(live.pop(argument % len(live))[0])
        elif act == "settle":
            settle()
        elif argument is not None and waiting:
            stall.answer(waiting.pop(argument % len(waiting)), paid=act == "answer paid")
        assert_invariants(held)
    while waiting:
        stall.answer(waiting.pop())
    settle()
    while waiting:
        stall.answer(waiting.pop())
    assert_invariants(held)

    with transaction(held.sessions) as session:
        transferred_fen = session.execute(
            select(func.coalesce(func.sum(Payout.amount_fen), 0)).where(
                Payout.merchant_id == stall.counter.merchant.id, Payout.state == PayoutState.PAID
            )
        ).scalar_one()
    debit_fen = stall.totals()[AccountKind.MERCHANT_DEBIT]
    assert transferred_fen - debit_fen == sum(amount_fen for _, amount_fen in live)
