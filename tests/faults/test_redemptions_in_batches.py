"""Orders that share a transaction: what befalls one of them is not its neighbours' fault."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order as OrderAmounts
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher, VoucherState
from redemption.models import Order
from redemption.present import At, Showing
from redemption.redeem import RedeemCommand, Redeemed, Refused, redeem
from tests.factories.redemption import (
    Counter,
    Market,
    another_till,
    make_counter,
    make_market,
    make_voucher,
    shown,
)
from tests.invariants import assert_invariants

NEIGHBOURS = 7
WAITING_WITHIN_S = 10.0


def break_rows(
    held: Resources, *, sqlstate: str, condition: str, of: str = "INSERT ON orders"
) -> None:
    """Let PostgreSQL refuse to store some rows, with that error; every try is counted."""
    with transaction(held.sessions) as session:
        session.execute(text("CREATE SEQUENCE tries"))
        session.execute(
            text(
                f"""
                CREATE FUNCTION break_row() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE try bigint := nextval('tries');
                BEGIN
                    IF {condition} THEN
                        RAISE EXCEPTION 'broken by the test' USING ERRCODE = '{sqlstate}';
                    END IF;
                    RETURN NEW;
                END $$
                """
            )
        )
        session.execute(
            text(f"CREATE TRIGGER break_row BEFORE {of} FOR EACH ROW EXECUTE FUNCTION break_row()")
        )


def tries(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return int(session.execute(text("SELECT last_value FROM tries")).scalar_one())


@contextmanager
def voucher_locked(held: Resources, voucher_id: UUID) -> Iterator[None]:
    """Nobody else gets at the voucher meanwhile."""
    with transaction(held.sessions) as session:
        session.execute(
            text("SELECT 1 FROM vouchers WHERE id = :id FOR UPDATE"), {"id": voucher_id}
        )
        yield


def together(
    app: OpenAPI, held: Resources, market: Market, order_nos: list[str]
) -> dict[str, TestResponse]:
    """Redeem a voucher for each order, all in one batch: a first order keeps them waiting."""
    with transaction(held.sessions) as session:
        first_id = make_voucher(session, market.release)
        first = shown(session, first_id).typed_code
        codes = [
            shown(session, make_voucher(session, market.release)).typed_code for _ in order_nos
        ]
    answers: dict[str, TestResponse] = {}

    def act(order_no: str, code: str) -> None:
        body = {"vouchers": [{"code": code}], "order_no": order_no, "order_fen": 8_000}
        answers[order_no] = app.test_client().post(
            "/api/v1/redemptions", json=body, headers=market.counter.headers
        )

    threads = [
        threading.Thread(target=act, args=pair)
        for pair in zip(["first", *order_nos], [first, *codes], strict=True)
    ]
    with voucher_locked(held, first_id):
        threads[0].start()
        _wait_until(lambda: _waits_for_a_lock(held))
        for thread in threads[1:]:
            thread.start()
        combining = app.extensions["combiner.redeem"]
        _wait_until(lambda: len(combining._waiting) == len(order_nos))
    for thread in threads:
        thread.join()
    assert answers.pop("first").status_code == 201
    return answers


def _waits_for_a_lock(held: Resources) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with transaction(held.sessions) as session:
        return bool(session.execute(text(waiting)).scalar_one())


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAITING_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def market(held: Resources) -> Market:
    with transaction(held.sessions) as session:
        return make_market(session)


def transactions(held: Resources, order_nos: list[str]) -> int:
    """How many transactions stored these orders."""
    with transaction(held.sessions) as session:
        return session.execute(
            select(func.count(func.distinct(text("xmin::text"))))
            .select_from(Order)
            .where(Order.order_no.in_(order_nos))
        ).scalar_one()


def used(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(
            select(func.count()).where(Voucher.state == VoucherState.REDEEMED)
        ).scalar_one()


def test_an_order_that_breaks_its_batch_fails_alone(
    app: OpenAPI, held: Resources, market: Market
) -> None:
    good = [f"A-{number}" for number in range(NEIGHBOURS)]
    break_rows(held, sqlstate="XX000", condition="NEW.order_no = 'A-bad'")
    answers = together(app, held, market, [*good, "A-bad"])
    assert {answers[order_no].status_code for order_no in good} == {201}
    assert answers["A-bad"].status_code == 500
    # All were tried together, and then each by itself.
    assert tries(held) > 1 + len(answers)
    assert transactions(held, good) == NEIGHBOURS
    assert used(held) == 1 + NEIGHBOURS
    assert_invariants(held)


def test_a_batch_that_loses_a_deadlock_is_tried_again_as_a_whole(
    app: OpenAPI, held: Resources, market: Market
) -> None:
    order_nos = [f"A-{number}" for number in range(NEIGHBOURS)]
    # The first try is of the order that keeps the others waiting.
    break_rows(held, sqlstate="40P01", condition="try IN (2, 3)")
    answers = together(app, held, market, order_nos)
    assert {answer.status_code for answer in answers.values()} == {201}
    assert tries(held) == 1 + 2 + NEIGHBOURS
    assert transactions(held, order_nos) == 1
    assert used(held) == 1 + NEIGHBOURS
    assert_invariants(held)


def test_a_batch_that_cannot_be_put_in_order_is_unknown_and_did_nothing(
    app: OpenAPI, held: Resources, market: Market
) -> None:
    order_nos = [f"A-{number}" for number in range(NEIGHBOURS)]
    break_rows(held, sqlstate="40001", condition="try BETWEEN 2 AND 4")
    answers = together(app, held, market, order_nos)
    assert {answer.status_code for answer in answers.values()} == {503}
    assert {answer.get_json()["slug"] for answer in answers.values()} == {"unavailable"}
    assert used(held) == 1
    assert_invariants(held)


@pytest.mark.parametrize(
    ("act", "rows"),
    [("reversal", "UPDATE ON orders"), ("refunds", "INSERT ON refunds")],
)
def test_what_is_taken_back_and_loses_a_deadlock_is_tried_again(
    client: FlaskClient, held: Resources, market: Market, act: str, rows: str
) -> None:
    with transaction(held.sessions) as session:
        code = shown(session, make_voucher(session, market.release)).typed_code
    order = {"vouchers": [{"code": code}], "order_no": "A-1", "order_fen": 8_000}
    path, headers = "/api/v1/redemptions", market.counter.headers
    assert client.post(path, json=order, headers=headers).status_code == 201
    break_rows(held, sqlstate="40P01", condition="try = 1", of=rows)
    body = {"refund_no": "R-1"} if act == "refunds" else None
    answer = client.post(f"{path}/A-1/{act}", json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    assert tries(held) >= 2
    assert used(held) == 0
    assert_invariants(held)


def command(counter: Counter, voucher_id: UUID, order_no: str) -> RedeemCommand:
    return RedeemCommand(
        showings=[Showing(voucher_id)],
        at=At(till_id=counter.till.id),
        order_no=order_no,
        order=OrderAmounts(8_000, 8_000),
        channel=Channel.ONSITE,
    )


def test_what_an_order_without_a_number_would_have_taken_is_left_to_its_neighbours(
    held: Resources, market: Market
) -> None:
    """Two tills of a merchant use one number; what the second one shows is free for a third."""
    with transaction(held.sessions) as session:
        second = another_till(session, market.counter)
        third = make_counter(session, market.small.district)
        one, other = (make_voucher(session, market.release) for _ in range(2))
    with transaction(held.sessions) as session:
        outcomes = redeem(
            session,
            [
                command(market.counter, one, "A-1"),
                command(second, other, "A-1"),
                command(third, other, "A-1"),
            ],
            risk=held.risk,
        )
    assert isinstance(outcomes[0], Redeemed)
    assert isinstance(outcomes[1], Refused)
    assert outcomes[1].error.slug == "order-number-reused"
    assert isinstance(outcomes[2], Redeemed)
    assert used(held) == 2
    assert_invariants(held)
