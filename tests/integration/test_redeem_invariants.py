"""The oracle sees what it is there for: each invariant names the damage that breaks it."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.resources import Resources
from redemption.invariants import INVARIANTS
from tests.factories.redemption import market_with_voucher

ORDER, REFUNDS, PAYABLE, VOUCHER, TOTALS = (
    "an order is worth what its redemptions are, all of its place and time",
    "what came back of an order is what its refunds say, fen by fen",
    "every redemption has one payable, of its merchant, season and amount, that owes the rest",
    "a voucher is redeemed if and only if a live redemption used it",
    "payable + held + in flight + paid = live redemptions and offline losses, in every season",
)


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("UPDATE redemptions SET discount_fen = discount_fen - 1", {ORDER, PAYABLE, TOTALS}),
        ("UPDATE orders SET refunded_fen = 1", {ORDER, REFUNDS}),
        (
            "UPDATE redemptions SET refunded_discount_fen = 1, refunded_turnover_fen = 1",
            {ORDER, REFUNDS, PAYABLE, TOTALS},
        ),
        ("UPDATE payables SET amount_fen = amount_fen + 1", {PAYABLE}),
        ("DELETE FROM payables", {PAYABLE}),
        ("UPDATE vouchers SET state = 'issued', redeemed_at = NULL", {VOUCHER}),
        (
            "UPDATE redemptions SET state = 'reversed', reversed_at = now()",
            {PAYABLE, VOUCHER, TOTALS, ORDER},
        ),
    ],
)
def test_damage_to_a_redemption_is_named(
    client: FlaskClient, held: Resources, damage: str, broken: set[str]
) -> None:
    market, _, code = market_with_voucher(held)
    body = {"vouchers": [{"code": code.token}], "order_no": "A-1", "order_fen": 8_000}
    client.post("/api/v1/redemptions", json=body, headers=market.counter.headers)
    with transaction(held.sessions) as session:
        assert violations(session, INVARIANTS) == []
    with transaction(held.sessions) as session:
        session.execute(text(damage))
    with transaction(held.sessions) as session:
        found = violations(session, INVARIANTS)
    assert {violation.invariant for violation in found} == broken
