"""Shifts: what a till does joins the one that is open, and a closed one never changes."""

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.resources import Resources
from merchants.tills.errors import ShiftClosedError, ShiftNotFoundError, ShiftOpenError
from merchants.tills.models import Shift
from merchants.tills.open_shift import open_shift
from redemption.models import Order
from redemption.present import At
from redemption.refund import RefundCommand, refund
from redemption.reverse import reverse
from redemption.till.close_shift import close_shift
from redemption.till.invariants import INVARIANTS
from redemption.till.totals import Totals, totals_of
from tests.factories.redemption import (
    Market,
    another_till,
    make_market,
    make_voucher,
    redeemed,
)
from tests.factories.tills import make_clerk, sign_in_till, take_over
from tests.harness.web import at_once
from tests.invariants import assert_invariants

NOTHING = Totals(0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def market(held: Resources) -> Iterator[Market]:
    with transaction(held.sessions) as session:
        made = make_market(session)
    yield made
    assert_invariants(held)


def begin(held: Resources, market: Market) -> UUID:
    with transaction(held.sessions) as session:
        return open_shift(session, market.counter.till.id, None, now=db_now(session))


def close(held: Resources, market: Market, shift_id: UUID) -> None:
    with transaction(held.sessions) as session:
        close_shift(session, market.counter.till.id, shift_id, None, now=db_now(session))


def sell(held: Resources, market: Market, order_no: str, order_fen: int = 8_000) -> None:
    with transaction(held.sessions) as session:
        voucher_id = make_voucher(session, market.release)
        at = At(till_id=market.counter.till.id)
        redeemed(session, voucher_id, at, order_fen=order_fen, order_no=order_no)


def undo(held: Resources, market: Market, order_no: str) -> None:
    with transaction(held.sessions) as session:
        reverse(session, market.counter.till.id, order_no, now=db_now(session))


def take_goods_back(held: Resources, market: Market, order_no: str, goods_fen: int) -> None:
    command = RefundCommand(market.counter.till.id, order_no, f"R-{order_no}", goods_fen)
    with transaction(held.sessions) as session:
        refund(session, command, now=db_now(session))


def kept(held: Resources, shift_id: UUID) -> Totals | None:
    with transaction(held.sessions) as session:
        return Totals.kept_in(session.get_one(Shift, shift_id))


def test_a_shift_counts_what_was_done_at_its_till_between_opening_and_closing(
    held: Resources, market: Market
) -> None:
    with transaction(held.sessions) as session:
        beside = another_till(session, market.counter)
    sell(held, market, "before")
    shift_id = begin(held, market)
    sell(held, market, "A-1")
    sell(held, market, "A-2", 10_000)
    undo(held, market, "A-2")
    sell(held, market, "A-3", 12_000)
    take_goods_back(held, market, "A-3", 6_000)
    undo(held, market, "never-came")
    with transaction(held.sessions) as session:
        redeemed(session, make_voucher(session, market.release), At(till_id=beside.till.id))
        with pytest.raises(ShiftNotFoundError):
            close_shift(session, beside.till.id, shift_id, None, now=db_now(session))
        so_far = totals_of(session, shift_id)
    close(held, market, shift_id)
    sell(held, market, "after")
    # 80 + 100 + 120, three times 20 off; 80 of the reversed one back, and half of 100 paid.
    expected = Totals(3, 30_000, 6_000, 24_000, 1, 8_000, 1, 5_000)
    assert (so_far, kept(held, shift_id)) == (expected, expected)
    assert expected.kept_fen == 11_000


def test_undoing_an_order_later_counts_in_the_later_shift(held: Resources, market: Market) -> None:
    first = begin(held, market)
    sell(held, market, "A-1")
    close(held, market, first)
    between = kept(held, first)
    second = begin(held, market)
    undo(held, market, "A-1")
    close(held, market, second)
    assert kept(held, first) == between == Totals(1, 8_000, 2_000, 6_000, 0, 0, 0, 0)
    assert kept(held, second) == Totals(0, 0, 0, 0, 1, 6_000, 0, 0)


def test_of_many_who_open_or_close_at_once_one_does(held: Resources, market: Market) -> None:
    def opening(_: int) -> UUID | None:
        try:
            return begin(held, market)
        except ShiftOpenError:
            return None

    (shift_id,) = filter(None, at_once(6, opening))
    sell(held, market, "A-1")

    def closing(_: int) -> bool:
        try:
            close(held, market, shift_id)
        except ShiftClosedError:
            return False
        return True

    assert sorted(at_once(6, closing)) == [False] * 5 + [True]


def test_a_closing_shift_waits_for_the_order_that_is_under_way(
    held: Resources, market: Market
) -> None:
    shift_id = begin(held, market)
    with transaction(held.sessions) as session:
        redeemed(
            session,
            make_voucher(session, market.release),
            At(till_id=market.counter.till.id),
            order_no="A-1",
        )
        closer = threading.Thread(target=close, args=(held, market, shift_id))
        closer.start()
        closer.join(0.3)
        assert closer.is_alive()
    closer.join(10)
    assert kept(held, shift_id) == Totals(1, 8_000, 2_000, 6_000, 0, 0, 0, 0)


def test_an_order_that_waited_for_the_closing_joins_no_shift(
    app: OpenAPI, held: Resources, market: Market
) -> None:
    shift_id = begin(held, market)

    def sell_meanwhile() -> None:
        with app.app_context():
            sell(held, market, "A-1")

    with transaction(held.sessions) as session:
        close_shift(session, market.counter.till.id, shift_id, None, now=db_now(session))
        seller = threading.Thread(target=sell_meanwhile)
        seller.start()
        seller.join(0.3)
        assert seller.is_alive()
    seller.join(10)
    assert kept(held, shift_id) == NOTHING
    with transaction(held.sessions) as session:
        assert session.execute(select(Order.order_no, Order.shift_id)).one() == ("A-1", None)


def test_totals_that_do_not_fit_the_orders_are_found(held: Resources) -> None:
    with transaction(held.sessions) as session:
        market = make_market(session)
    shift_id = begin(held, market)
    close(held, market, shift_id)
    with transaction(held.sessions) as session:
        session.execute(text("UPDATE shifts SET paid_fen = 1"))
    with transaction(held.sessions) as session:
        found = violations(session, INVARIANTS)
    assert [one.found for one in found] == [f"shift_id={shift_id}"]
    with pytest.raises(IntegrityError), transaction(held.sessions) as session:
        session.execute(text("UPDATE shifts SET paid_fen = NULL"))


def test_a_clerk_opens_and_closes_a_shift_and_prints_it(
    client: FlaskClient, held: Resources, market: Market
) -> None:
    clerk_id = make_clerk(held, market.counter)
    sign_in_till(client, market.counter)
    take_over(client, clerk_id)
    assert "还没有开班" in client.get("/till/shift").text
    for _ in range(2):
        assert client.post("/till/shift").location == "/till/shift"
    sell(held, market, "A-1")
    page = client.get("/till/shift").text
    assert "¥60" in page
    with transaction(held.sessions) as session:
        (shift_id,) = session.scalars(select(Shift.id))
    where = f"/till/shifts/{shift_id}"
    assert client.get(where).location == "/till/shift"
    for _ in range(2):
        assert client.post(f"{where}/close").location == where
    sheet = client.get(where).text
    assert sheet.count("小王") == 3  # in the bar, and as who opened and closed it
    assert "¥60" in sheet
    assert where in client.get("/till/shift").text
    with transaction(held.sessions) as session:
        session_row = session.get_one(Shift, shift_id)
        assert (session_row.opened_by, session_row.closed_by) == (clerk_id, clerk_id)
        assert session.execute(select(func.count(Shift.id))).scalar_one() == 1
