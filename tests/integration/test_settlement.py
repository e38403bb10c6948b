"""What is owed becomes one batch, one payout per merchant, and one file that never changes."""

import csv
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from io import StringIO
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable, Standing
from coupon_service.ledger.queries import season_totals_fen
from fraud.decide import release
from merchants.models import (
    BatchState,
    Payout,
    PayoutAccount,
    PayoutState,
    SettlementBatch,
    SettlementLine,
)
from merchants.payout_account import BankAccount, set_payout_account
from merchants.settlement.answer import import_answer
from merchants.settlement.errors import (
    CutoffInFutureError,
    PayoutFileAlteredError,
    SeasonNotFoundError,
)
from merchants.suspend import suspend
from tests.factories.merchants import (
    Bazaar,
    bank_answer,
    batch_file,
    hold_items,
    make_bazaar,
    make_payee,
    owe,
    settle_now,
    take_back,
)
from tests.factories.redemption import Counter, make_counter
from tests.invariants import assert_invariants


@pytest.fixture
def bazaar(held: Resources) -> Bazaar:
    with transaction(held.sessions) as session:
        return make_bazaar(session)


def add_payee(held: Resources, bazaar: Bazaar, *amounts_fen: int, name: str = "小馆") -> Counter:
    with transaction(held.sessions) as session:
        counter = make_payee(held, session, bazaar, name=name)
        for amount_fen in amounts_fen:
            owe(session, bazaar, counter, amount_fen)
        return counter


def totals(held: Resources, bazaar: Bazaar) -> dict[AccountKind, int]:
    with transaction(held.sessions) as session:
        return season_totals_fen(session, bazaar.season_id)


def payouts(held: Resources, batch_id: UUID) -> list[Payout]:
    with transaction(held.sessions) as session:
        query = select(Payout).where(Payout.batch_id == batch_id).order_by(Payout.position)
        return list(session.scalars(query))


def answer(held: Resources, batch_id: UUID, **verdicts: tuple[int, ...]) -> None:
    content = bank_answer(batch_file(held, batch_id), **verdicts).encode()
    with transaction(held.sessions) as session:
        import_answer(session, batch_id, content, now=db_now(session))


def test_a_batch_pays_each_merchant_once_and_the_bank_settles_it(
    held: Resources, bazaar: Bazaar
) -> None:
    first = add_payee(held, bazaar, 2_000, 3_050)
    second = add_payee(held, bazaar, 999)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    assert (batch.state, batch.line_count, batch.payout_count, batch.total_fen) == (
        BatchState.INSTRUCTED,
        3,
        2,
        6_049,
    )
    assert {p.merchant_id: p.amount_fen for p in payouts(held, batch.id)} == {
        first.merchant.id: 5_050,
        second.merchant.id: 999,
    }
    assert totals(held, bazaar)[AccountKind.IN_FLIGHT] == 6_049
    assert_invariants(held)

    answer(held, batch.id)
    after = totals(held, bazaar)
    assert (after[AccountKind.IN_FLIGHT], after[AccountKind.PAID]) == (0, 6_049)
    with transaction(held.sessions) as session:
        settled = session.get(SettlementBatch, batch.id)
        assert settled is not None
        assert settled.state == BatchState.SETTLED
    assert_invariants(held)


def test_what_is_redeemed_at_the_cutoff_waits_for_the_next_batch(
    held: Resources, bazaar: Bazaar
) -> None:
    add_payee(held, bazaar, 1_000)
    with transaction(held.sessions) as session:
        cutoff_at = session.execute(select(func.max(Payable.incurred_at))).scalar_one()
    assert settle_now(held, bazaar.season_id, cutoff_at=cutoff_at) is None
    batch = settle_now(held, bazaar.season_id, cutoff_at=cutoff_at + timedelta(microseconds=1))
    assert batch is not None
    assert batch.line_count == 1
    assert_invariants(held)


def test_a_season_that_owes_nothing_makes_no_batch(held: Resources, bazaar: Bazaar) -> None:
    assert settle_now(held, bazaar.season_id) is None
    with transaction(held.sessions) as session:
        assert session.scalars(select(SettlementBatch)).all() == []


def test_a_cutoff_in_the_future_and_an_unknown_season_are_refused(
    held: Resources, bazaar: Bazaar
) -> None:
    add_payee(held, bazaar, 1_000)
    with transaction(held.sessions) as session:
        tomorrow = db_now(session) + timedelta(days=1)
    with pytest.raises(CutoffInFutureError):
        settle_now(held, bazaar.season_id, cutoff_at=tomorrow)
    with pytest.raises(SeasonNotFoundError):
        settle_now(held, uuid4())
    assert totals(held, bazaar)[AccountKind.PAYABLE] == 1_000
    assert_invariants(held)


def test_settling_one_cutoff_again_finds_the_same_batch(held: Resources, bazaar: Bazaar) -> None:
    counter = add_payee(held, bazaar, 1_000)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    with transaction(held.sessions) as session:
        owe(session, bazaar, counter, 500)
    again = settle_now(held, bazaar.season_id, cutoff_at=batch.cutoff_at)
    assert again is not None
    assert (again.id, again.total_fen) == (batch.id, 1_000)
    assert_invariants(held)


def test_a_held_item_stays_behind_and_delays_nothing_else(held: Resources, bazaar: Bazaar) -> None:
    with transaction(held.sessions) as session:
        counter = make_payee(held, session, bazaar)
        suspicious = owe(session, bazaar, counter, 4_000)
        owe(session, bazaar, counter, 1_000)
        case_id = hold_items(session, bazaar, counter, [suspicious])
    first = settle_now(held, bazaar.season_id)
    assert first is not None
    assert first.total_fen == 1_000
    assert totals(held, bazaar)[AccountKind.HELD] == 4_000
    assert_invariants(held)

    with transaction(held.sessions) as session:
        release(session, case_id, official_id=uuid4(), reason="查无问题", now=db_now(session))
    second = settle_now(held, bazaar.season_id)
    assert second is not None
    assert second.total_fen == 4_000
    assert_invariants(held)


def test_a_suspended_merchant_is_paid_for_what_it_earned(held: Resources, bazaar: Bazaar) -> None:
    counter = add_payee(held, bazaar, 1_000)
    with transaction(held.sessions) as session:
        suspend(session, counter.merchant.id)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    assert batch.total_fen == 1_000
    assert_invariants(held)


def test_a_merchant_without_an_account_is_left_out_and_named(
    held: Resources, bazaar: Bazaar
) -> None:
    add_payee(held, bazaar, 1_000)
    with transaction(held.sessions) as session:
        homeless = make_counter(session, bazaar.small.district)
        owe(session, bazaar, homeless, 700)
        owe(session, bazaar, homeless, 800)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    assert batch.total_fen == 1_000
    assert batch.left_out == [
        {
            "merchant_id": str(homeless.merchant.id),
            "reason": "no-payout-account",
            "items": 2,
            "items_fen": 1_500,
        }
    ]
    with transaction(held.sessions) as session:
        account = BankAccount("某店", "示例银行", "62999900000000")
        set_payout_account(session, held.vault, homeless.merchant.id, account, now=db_now(session))
    later = settle_now(held, bazaar.season_id)
    assert later is not None
    assert (later.total_fen, later.left_out) == (1_500, [])
    assert_invariants(held)


def test_until_a_changed_account_has_cooled_off_the_old_one_is_paid(
    held: Resources, bazaar: Bazaar
) -> None:
    counter = add_payee(held, bazaar, 1_000)
    with transaction(held.sessions) as session:
        account = BankAccount("别人", "示例银行", "62999911111111")
        set_payout_account(session, held.vault, counter.merchant.id, account, now=db_now(session))
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    assert b"6299990000000000012" in batch_file(held, batch.id)
    assert_invariants(held)


def test_ten_runs_at_once_make_one_batch(held: Resources, bazaar: Bazaar) -> None:
    for _ in range(3):
        add_payee(held, bazaar, 1_000, 2_000)
    with transaction(held.sessions) as session:
        cutoff_at = db_now(session)
    with ThreadPoolExecutor(10) as pool:
        runs = [
            pool.submit(settle_now, held, bazaar.season_id, cutoff_at=cutoff_at) for _ in range(10)
        ]
        ids = {batch.id for run in runs if (batch := run.result()) is not None}
    assert len(ids) == 1
    with transaction(held.sessions) as session:
        assert len(session.scalars(select(SettlementBatch)).all()) == 1
        assert len(session.scalars(select(SettlementLine)).all()) == 6
    assert totals(held, bazaar)[AccountKind.IN_FLIGHT] == 9_000
    assert_invariants(held)


def test_ten_runs_with_ten_cutoffs_put_each_item_in_one_line(
    held: Resources, bazaar: Bazaar
) -> None:
    for _ in range(3):
        add_payee(held, bazaar, 1_000, 2_000)
    with transaction(held.sessions) as session:
        now = db_now(session)
    with ThreadPoolExecutor(10) as pool:
        for run in [
            pool.submit(
                settle_now, held, bazaar.season_id, cutoff_at=now - timedelta(microseconds=i)
            )
            for i in range(10)
        ]:
            run.result()
    with transaction(held.sessions) as session:
        assert len(session.scalars(select(SettlementLine)).all()) == 6
    assert_invariants(held)


def test_reversals_that_race_the_cutoff_are_in_the_batch_or_out_of_it_never_both(
    held: Resources, bazaar: Bazaar
) -> None:
    with transaction(held.sessions) as session:
        counter = make_payee(held, session, bazaar)
        items = [owe(session, bazaar, counter, 1_000) for _ in range(24)]

    def take_back_one(payable_id: UUID) -> None:
        with transaction(held.sessions) as session:
            take_back(session, payable_id)

    with ThreadPoolExecutor(6) as pool:
        reversals = [pool.submit(take_back_one, item) for item in items[:12]]
        run = pool.submit(settle_now, held, bazaar.season_id)
        reversals += [pool.submit(take_back_one, item) for item in items[12:20]]
        for reversal in reversals:
            reversal.result()
        batch = run.result()
    assert batch is not None
    after = totals(held, bazaar)
    reversed_in_flight_fen = batch.total_fen - 4_000
    assert after[AccountKind.IN_FLIGHT] == 4_000
    assert after[AccountKind.MERCHANT_DEBIT] == reversed_in_flight_fen
    assert_invariants(held)

    answer(held, batch.id)
    assert totals(held, bazaar)[AccountKind.PAID] == 4_000
    assert_invariants(held)


def test_the_file_is_the_same_to_the_byte_and_has_the_stored_hash(
    held: Resources, bazaar: Bazaar
) -> None:
    counter = add_payee(held, bazaar, 1_234, name="原名")
    add_payee(held, bazaar, 5_000, 5_001)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    file = batch_file(held, batch.id)
    assert sha256(file).hexdigest() == batch.file_sha256
    assert file.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(file.decode("utf-8-sig"), newline="")))
    assert rows[0][1] == str(batch.id)
    assert rows[0][-4:] == ["笔数", "2", "总金额（元）", "112.35"]
    assert sorted(row[6] for row in rows[2:4]) == ["100.01", "12.34"]
    assert rows[-1] == ["合计", "2", "112.35"]

    with transaction(held.sessions) as session:
        merchant = session.get_one(type(counter.merchant), counter.merchant.id)
        merchant.name = "改过的名字"
    assert batch_file(held, batch.id) == file


def test_a_file_whose_rows_were_changed_is_not_handed_out(held: Resources, bazaar: Bazaar) -> None:
    counter = add_payee(held, bazaar, 1_000)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    with transaction(held.sessions) as session:
        session.execute(
            update(PayoutAccount)
            .where(PayoutAccount.merchant_id == counter.merchant.id)
            .values(holder="别的户名")
        )
    with pytest.raises(PayoutFileAlteredError):
        batch_file(held, batch.id)


def test_merchants_named_like_formulas_stay_texts(held: Resources, bazaar: Bazaar) -> None:
    names = [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2",
        "@SUM(A1)",
        "＝1+1",
        "\t=1",
        "  =1",
        "a\r\n=1,2",
        '"=1',
    ]
    for name in [*names, "\u202e=1", "面馆\u2028＠", "😀=1"]:
        add_payee(held, bazaar, 1_000, name=name)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    text = batch_file(held, batch.id).decode("utf-8-sig")
    rows = list(csv.reader(StringIO(text, newline="")))
    assert len(rows) == len(text.split("\r\n")) - 1 == 15
    for row in rows[2:-1]:
        for cell in row[2:5]:
            assert not cell.startswith(("=", "+", "-", "@", "＝", "\t", " "))
            assert cell.isprintable()
    answer(held, batch.id)
    assert_invariants(held)


def test_standing_and_payout_agree_after_a_rejected_payout(held: Resources, bazaar: Bazaar) -> None:
    add_payee(held, bazaar, 1_000)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    answer(held, batch.id, rejected=(1,))
    (payout,) = payouts(held, batch.id)
    assert payout.state == PayoutState.REJECTED
    with transaction(held.sessions) as session:
        item = session.scalars(select(Payable)).one()
        assert (item.standing, item.batch_id) == (Standing.PAYABLE, None)
    assert_invariants(held)

    again = settle_now(held, bazaar.season_id)
    assert again is not None
    assert again.total_fen == 1_000
    answer(held, again.id)
    assert totals(held, bazaar)[AccountKind.PAID] == 1_000
    assert_invariants(held)
