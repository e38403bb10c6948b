"""The bank's answer is taken in whole or not at all."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import Payable, Transfer
from merchants.models import Payout, PayoutState, SettlementBatch, SettlementLine
from merchants.settlement.answer import AnswerSummary, import_answer
from merchants.settlement.errors import BankAnswerInvalidError, BatchNotFoundError
from tests.factories.merchants import (
    bank_answer,
    batch_file,
    make_bazaar,
    make_payee,
    owe,
    settle_now,
)
from tests.invariants import assert_invariants

HEADER = "batch_id,position,merchant,amount_yuan,result,bank_reference"


@pytest.fixture
def batch_id(held: Resources) -> UUID:
    """Three merchants are to be paid."""
    with transaction(held.sessions) as session:
        bazaar = make_bazaar(session)
        for _ in range(3):
            owe(session, bazaar, make_payee(held, session, bazaar), 1_000)
    batch = settle_now(held, bazaar.season_id)
    assert batch is not None
    return batch.id


def take(held: Resources, batch_id: UUID, content: str | bytes) -> AnswerSummary:
    raw = content.encode() if isinstance(content, str) else content
    with transaction(held.sessions) as session:
        return import_answer(session, batch_id, raw, now=db_now(session))


def snapshot(held: Resources) -> list[object]:
    """Everything an answer could change."""
    with transaction(held.sessions) as session:
        return [
            session.execute(select(Payout.id, Payout.state, Payout.bank_reference)).all(),
            session.execute(select(Payable.id, Payable.standing, Payable.batch_id)).all(),
            session.execute(select(SettlementBatch.id, SettlementBatch.state)).all(),
            session.execute(select(SettlementLine.payable_id, SettlementLine.voided_at)).all(),
            session.execute(select(func.count()).select_from(Transfer)).all(),
        ]


def test_a_bank_may_answer_in_parts_and_the_last_part_settles_the_batch(
    held: Resources, batch_id: UUID
) -> None:
    file = batch_file(held, batch_id)
    first = take(held, batch_id, bank_answer(file, only=(2,)))
    assert (first.paid, first.rejected, first.repeated, first.open) == (1, 0, 0, 2)
    assert_invariants(held)
    rest = take(held, batch_id, bank_answer(file, rejected=(3,)))
    assert (rest.paid, rest.rejected, rest.repeated, rest.open) == (1, 1, 1, 0)
    with transaction(held.sessions) as session:
        assert session.get_one(SettlementBatch, batch_id).settled_at is not None
    assert_invariants(held)


def test_the_same_answer_again_changes_nothing(held: Resources, batch_id: UUID) -> None:
    content = bank_answer(batch_file(held, batch_id), rejected=(1,))
    take(held, batch_id, content)
    before = snapshot(held)
    again = take(held, batch_id, "\ufeff" + content)
    assert (again.paid, again.rejected, again.repeated, again.open) == (0, 0, 3, 0)
    assert snapshot(held) == before
    assert_invariants(held)


def test_a_later_answer_that_says_otherwise_is_refused(held: Resources, batch_id: UUID) -> None:
    file = batch_file(held, batch_id)
    take(held, batch_id, bank_answer(file, only=(1,)))
    before = snapshot(held)
    with pytest.raises(BankAnswerInvalidError) as refused:
        take(held, batch_id, bank_answer(file, rejected=(1,)))
    assert refused.value.extra["faults"] == [{"line": 2, "fault": "answered otherwise before"}]
    assert snapshot(held) == before
    assert_invariants(held)


def edit(line: int, column: int, value: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        rows = [row.split(",") for row in text.splitlines()]
        rows[line - 1][column] = value
        return "\n".join(",".join(row) for row in rows) + "\n"

    return change


TAMPERINGS: list[tuple[Callable[[str], str], int, str]] = [
    (edit(3, 3, "10.01"), 3, "another amount than instructed"),
    (edit(3, 3, "-10.00"), 3, "amount_yuan is not an amount such as 1234.50"),
    (edit(3, 3, "１０.00"), 3, "amount_yuan is not an amount such as 1234.50"),
    (edit(3, 3, "1e1"), 3, "amount_yuan is not an amount such as 1234.50"),
    (edit(4, 2, "somebody-else"), 4, "another merchant than instructed"),
    (edit(4, 2, "=1+1\x00"), 4, "merchant is not a code"),
    (edit(2, 1, "9"), 2, "the payout file has no such position"),
    (edit(2, 1, "0"), 2, "position is not a positive number"),
    (edit(2, 1, "3"), 4, "the position of line 2 again"),
    (edit(4, 0, str(uuid4())), 4, "another batch than the first line's"),
    (edit(4, 0, "x"), 4, "batch_id is not an id"),
    (edit(2, 4, "PAID"), 2, "result is neither paid nor rejected"),
    (edit(2, 5, ""), 2, "bank_reference is missing or malformed"),
    (edit(2, 5, "=HYPERLINK()"), 2, "bank_reference is missing or malformed"),
    (edit(2, 5, "a,b"), 2, "needs 6 columns"),
    (edit(1, 0, "batch"), 1, f"the header must be {HEADER}"),
    (edit(3, 5, '"open'), 4, "not CSV"),
    (lambda _: HEADER + "\n", 1, "no payout is answered"),
    (lambda _: "", 1, "no payout is answered"),
    (lambda text: text + "\udcff", 5, "not UTF-8"),
]


def test_a_tampered_answer_is_refused_by_line_and_nothing_changes(
    held: Resources, batch_id: UUID
) -> None:
    genuine = bank_answer(batch_file(held, batch_id))
    before = snapshot(held)
    for tamper, line, fault in TAMPERINGS:
        with pytest.raises(BankAnswerInvalidError) as refused:
            take(held, batch_id, tamper(genuine).encode(errors="surrogateescape"))
        assert {"line": line, "fault": fault} in refused.value.extra["faults"]
        assert snapshot(held) == before, fault
    assert_invariants(held)


def test_an_answer_to_another_batch_is_refused(held: Resources, batch_id: UUID) -> None:
    content = bank_answer(batch_file(held, batch_id))
    with pytest.raises(BatchNotFoundError):
        take(held, uuid4(), content)
    with pytest.raises(BankAnswerInvalidError) as refused:
        take(held, batch_id, content.replace(str(batch_id), str(uuid4())))
    assert refused.value.extra["fault_count"] == 3
    with transaction(held.sessions) as session:
        assert set(session.scalars(select(Payout.state))) == {PayoutState.INSTRUCTED}
    assert_invariants(held)
