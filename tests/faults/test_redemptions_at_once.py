"""Tills that act at the same moment: the database picks one, and no money is lost or doubled."""

from collections import Counter as Tally
from collections.abc import Callable

from flask_openapi3 import OpenAPI
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind
from coupon_service.ledger.queries import season_totals_fen
from coupon_service.vouchers.models import Voucher, VoucherState
from redemption.models import Order, OrderState, Redemption
from tests.factories.redemption import (
    Counter,
    another_till,
    make_counter,
    make_voucher,
    market_with_voucher,
    shown,
)
from tests.harness.web import at_once
from tests.invariants import assert_invariants

TILLS = 16


def all_at_once(actions: list[Callable[[], TestResponse]]) -> list[TestResponse]:
    return at_once(len(actions), lambda number: actions[number]())


def redeeming(
    app: OpenAPI, counter: Counter, code: str, order_no: str, order_fen: int = 8_000
) -> Callable[[], TestResponse]:
    body = {"vouchers": [{"code": code}], "order_no": order_no, "order_fen": order_fen}
    return lambda: app.test_client().post("/api/v1/redemptions", json=body, headers=counter.headers)


def reversing(app: OpenAPI, counter: Counter, order_no: str) -> Callable[[], TestResponse]:
    return lambda: app.test_client().post(
        f"/api/v1/redemptions/{order_no}/reversal", headers=counter.headers
    )


def slug(answer: TestResponse) -> str:
    return str(answer.json["slug"]) if answer.json is not None else ""


def test_sixteen_tills_one_voucher_one_winner(app: OpenAPI, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        tills = [make_counter(session, market.small.district) for _ in range(TILLS)]
    answers = all_at_once(
        [redeeming(app, till, code.token, f"A-{n}") for n, till in enumerate(tills)]
    )
    assert Tally(answer.status_code for answer in answers) == {201: 1, 409: TILLS - 1}
    losers = [answer for answer in answers if answer.status_code == 409]
    assert {slug(answer) for answer in losers} == {"voucher-used"}
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Redemption.id))).scalar_one() == 1
        assert season_totals_fen(session, market.small.season.id)[AccountKind.PAYABLE] == 2_000
    assert_invariants(held)


def test_sixteen_tills_of_one_merchant_one_voucher_one_winner(
    app: OpenAPI, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        tills = [another_till(session, market.counter) for _ in range(TILLS)]
    answers = all_at_once(
        [redeeming(app, till, code.typed_code, f"A-{n}") for n, till in enumerate(tills)]
    )
    assert Tally(answer.status_code for answer in answers) == {201: 1, 409: TILLS - 1}
    assert_invariants(held)


def test_the_same_order_sent_sixteen_times_at_once_is_redeemed_once_and_answered_sixteen_times(
    app: OpenAPI, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    answers = all_at_once([redeeming(app, market.counter, code.token, "A-1")] * TILLS)
    assert Tally(answer.status_code for answer in answers) == {201: 1, 200: TILLS - 1}
    ids = {answer.json["order_id"] for answer in answers if answer.json is not None}
    assert len(ids) == 1
    assert_invariants(held)


def test_one_order_number_for_sixteen_vouchers_at_once_redeems_one_and_spends_no_other(
    app: OpenAPI, held: Resources
) -> None:
    market, _, _ = market_with_voucher(held)
    with transaction(held.sessions) as session:
        codes = [shown(session, make_voucher(session, market.release)) for _ in range(TILLS)]
    answers = all_at_once([redeeming(app, market.counter, code.token, "A-1") for code in codes])
    assert Tally(answer.status_code for answer in answers) == {201: 1, 409: TILLS - 1}
    with transaction(held.sessions) as session:
        used = session.execute(
            select(func.count()).where(Voucher.state == VoucherState.REDEEMED)
        ).scalar_one()
    assert used == 1
    assert_invariants(held)


def test_the_same_order_number_with_another_amount_is_refused(
    app: OpenAPI, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    answers = all_at_once(
        [
            redeeming(app, market.counter, code.token, "A-1", order_fen=8_000),
            redeeming(app, market.counter, code.token, "A-1", order_fen=9_000),
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert slug(max(answers, key=lambda answer: answer.status_code)) == "order-number-reused"
    assert_invariants(held)


def test_a_reversal_before_its_original_keeps_the_original_out(
    app: OpenAPI, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    early = reversing(app, market.counter, "A-1")()
    assert early.json is not None
    assert (early.status_code, early.json["state"]) == (200, "tombstone")
    late = redeeming(app, market.counter, code.token, "A-1")()
    assert (late.status_code, slug(late)) == (409, "order-was-reversed")
    again = reversing(app, market.counter, "A-1")()
    assert again.json == early.json
    with transaction(held.sessions) as session:
        assert session.get_one(Voucher, voucher_id).state == VoucherState.ISSUED
        assert season_totals_fen(session, market.small.season.id)[AccountKind.PAYABLE] == 0
    # The voucher is as good as new for another order.
    assert redeeming(app, market.counter, code.token, "A-2")().status_code == 201
    assert_invariants(held)


def test_a_reversal_that_races_its_original_ends_with_an_unused_voucher_either_way(
    app: OpenAPI, held: Resources
) -> None:
    market, _, _ = market_with_voucher(held)
    with transaction(held.sessions) as session:
        vouchers = [make_voucher(session, market.release) for _ in range(20)]
        codes = [shown(session, voucher_id).token for voucher_id in vouchers]
    for number, code in enumerate(codes):
        order_no = f"A-{number}"
        original, undo = all_at_once(
            [
                redeeming(app, market.counter, code, order_no),
                reversing(app, market.counter, order_no),
            ]
        )
        assert undo.status_code == 200
        if original.status_code == 409:
            assert slug(original) == "order-was-reversed"
        else:
            assert original.status_code == 201
    with transaction(held.sessions) as session:
        states = set(session.scalars(select(Order.state)))
        used = session.execute(
            select(func.count()).where(Voucher.state != VoucherState.ISSUED)
        ).scalar_one()
    assert states <= {OrderState.REVERSED, OrderState.TOMBSTONE}
    assert used == 0
    assert_invariants(held)


def test_sixteen_reversals_at_once_give_the_money_back_once(app: OpenAPI, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    assert redeeming(app, market.counter, code.token, "A-1")().status_code == 201
    answers = all_at_once([reversing(app, market.counter, "A-1")] * TILLS)
    assert {answer.status_code for answer in answers} == {200}
    with transaction(held.sessions) as session:
        totals = season_totals_fen(session, market.small.season.id)
    assert totals[AccountKind.RESERVED] == 100 * 2_000
    assert_invariants(held)
