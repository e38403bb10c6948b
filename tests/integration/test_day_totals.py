"""The day's totals: what a shop compares its own books with."""

from typing import Any

from flask.testing import FlaskClient

from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from tests.factories.redemption import (
    Counter,
    another_till,
    make_counter,
    make_voucher,
    market_with_voucher,
    shown,
)
from tests.invariants import assert_invariants

NOTHING = {
    "order_count": 0,
    "order_fen": 0,
    "discount_fen": 0,
    "paid_fen": 0,
    "reversal_count": 0,
    "refund_count": 0,
    "refunded_goods_fen": 0,
    "refunded_customer_fen": 0,
    "refunded_district_fen": 0,
}


def totals(client: FlaskClient, counter: Counter, day: object, of: str = "till") -> dict[str, Any]:
    answer = client.get(
        f"/api/v1/daily-totals/{day}", query_string={"of": of}, headers=counter.headers
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    assert (found.pop("day"), found.pop("of")) == (str(day), of)
    return found


def test_a_day_adds_up_by_till_and_by_merchant(client: FlaskClient, held: Resources) -> None:
    market, _, _ = market_with_voucher(held)
    first = market.counter
    with transaction(held.sessions) as session:
        today = local_date(db_now(session))
        second = another_till(session, first)
        stranger = make_counter(session, market.small.district)
        vouchers = [make_voucher(session, market.release) for _ in range(3)]
        codes = [shown(session, voucher_id).token for voucher_id in vouchers]
    for number, (counter, code) in enumerate(zip((first, first, second), codes, strict=True)):
        body = {
            "vouchers": [{"code": code}],
            "order_no": f"A-{number}",
            "order_fen": 10_000,
            "after_discount_fen": 8_000,
        }
        answer = client.post("/api/v1/redemptions", json=body, headers=counter.headers)
        assert answer.status_code == 201, answer.text
    client.post("/api/v1/redemptions/A-1/reversal", headers=first.headers)
    back = client.post(
        "/api/v1/redemptions/A-2/refunds",
        json={"refund_no": "R-1", "goods_fen": 4_000},
        headers=first.headers,
    )
    assert back.status_code == 201, back.text

    one_order = NOTHING | {
        "order_count": 1,
        "order_fen": 10_000,
        "discount_fen": 2_000,
        "paid_fen": 6_000,
    }
    refund = {
        "refund_count": 1,
        "refunded_goods_fen": 4_000,
        "refunded_customer_fen": 3_000,
        "refunded_district_fen": 1_000,
    }
    assert totals(client, first, today) == one_order | {"reversal_count": 1} | refund
    assert totals(client, second, today) == one_order
    assert totals(client, second, today, "merchant") == one_order | refund | {
        "order_count": 2,
        "order_fen": 20_000,
        "discount_fen": 4_000,
        "paid_fen": 12_000,
        "reversal_count": 1,
    }
    assert totals(client, stranger, today, "merchant") == NOTHING
    assert totals(client, first, "2020-02-29") == NOTHING
    assert_invariants(held)


def test_a_day_that_is_none_is_refused(client: FlaskClient, held: Resources) -> None:
    market, _, _ = market_with_voucher(held)
    for day in ("2026-02-30", "today", "20261121"):
        answer = client.get(f"/api/v1/daily-totals/{day}", headers=market.counter.headers)
        assert answer.status_code == 400, day
