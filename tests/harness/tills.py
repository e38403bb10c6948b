"""Tills at a real server that ask again until they are answered, and write down what they heard."""

import time
from collections import Counter as Tally
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind
from coupon_service.ledger.queries import season_totals_fen
from coupon_service.vouchers.models import Voucher, VoucherState
from redemption.models import Order, OrderState, RedemptionState, Refund
from tests.factories.redemption import Counter, Market
from tests.invariants import assert_invariants

ANSWERED_WITHIN_S = 30.0
_PAUSE_S = 0.02


@dataclass
class PatientTill:
    """A till that repeats a request word for word until it knows what became of it.

    Attributes:
        unheard: how often it heard that nothing is known, or nothing at all.
        paid: the orders it was told are paid, by number.
        reversed: numbers of those it was told are undone.
        refunded: goods in fen that it was told came back, by order number.
    """

    http: httpx.Client
    counter: Counter
    unheard: int = 0
    paid: dict[str, dict[str, Any]] = field(default_factory=dict)
    reversed: set[str] = field(default_factory=set)
    refunded: dict[str, int] = field(default_factory=dict)

    def redeem(self, order_no: str, *codes: str) -> httpx.Response:
        answer = self.try_to_redeem(order_no, *codes)
        assert answer.is_success, answer.text
        return answer

    def try_to_redeem(self, order_no: str, *codes: str, order_fen: int = 8_000) -> httpx.Response:
        """The answer may be a refusal."""
        body = {
            "vouchers": [{"code": code} for code in codes],
            "order_no": order_no,
            "order_fen": order_fen,
        }
        answer = self.ask("", body)
        if answer.is_success:
            self.paid[order_no] = answer.json()
        return answer

    def reverse(self, order_no: str) -> httpx.Response:
        answer = self.ask(f"/{order_no}/reversal", None)
        assert (answer.status_code, answer.json()["state"]) == (200, "reversed"), answer.text
        self.reversed.add(order_no)
        return answer

    def refund(self, order_no: str, goods_fen: int) -> httpx.Response:
        body = {"refund_no": f"R-{order_no}", "goods_fen": goods_fen}
        answer = self.ask(f"/{order_no}/refunds", body)
        assert answer.status_code in (200, 201), answer.text
        self.refunded[order_no] = int(answer.json()["goods_fen"])
        return answer

    def ask(self, path: str, body: object) -> httpx.Response:
        """Post below `/api/v1/redemptions`, again and again until somebody answers."""
        deadline = time.monotonic() + ANSWERED_WITHIN_S
        while time.monotonic() < deadline:
            try:
                answer = self.http.post(
                    f"/api/v1/redemptions{path}", json=body, headers=self.counter.headers
                )
            except httpx.TransportError:
                pass
            else:
                if answer.status_code != 503:
                    return answer
                assert answer.json()["slug"] == "unavailable", answer.text
            self.unheard += 1
            time.sleep(_PAUSE_S)
        raise TimeoutError("no answer in time")


def assert_told_the_truth(held: Resources, market: Market, tills: Collection[PatientTill]) -> None:
    """The database holds what the tills were told and nothing else, each order and voucher once."""
    merchants = {till.counter.merchant.id for till in tills}
    with transaction(held.sessions) as session:
        orders = session.scalars(
            select(Order)
            .where(Order.merchant_id.in_(merchants))
            .options(selectinload(Order.redemptions))
        ).all()
        refunds = session.scalars(select(Refund).where(Refund.merchant_id.in_(merchants))).all()
        vouchers = dict(
            session.execute(
                select(Voucher.id, Voucher.state).where(Voucher.release_id == market.release.id)
            ).all()
        )
        payable_fen = season_totals_fen(session, market.small.season.id)[AccountKind.PAYABLE]
    stored = {(order.merchant_id, order.order_no): order for order in orders}
    told = {(till.counter.merchant.id, no): (till, no) for till in tills for no in till.paid}
    assert stored.keys() == told.keys()
    spent: Tally[UUID] = Tally()
    owed_fen = 0
    for key, (till, order_no) in told.items():
        order, answer = stored[key], till.paid[order_no]
        assert answer["order_id"] == str(order.id)
        assert answer["discount_fen"] == order.discount_fen
        assert (order.state == OrderState.REVERSED) == (order_no in till.reversed)
        assert order.refunded_fen == till.refunded.get(order_no, 0)
        for line in order.redemptions:
            if line.state == RedemptionState.REDEEMED:
                owed_fen += line.discount_fen - line.refunded_discount_fen
                spent[line.voucher_id] += 1
    assert len(refunds) == sum(len(till.refunded) for till in tills)
    assert set(spent.values()) <= {1}
    used = {id_ for id_, state in vouchers.items() if state == VoucherState.REDEEMED}
    assert used == set(spent)
    assert owed_fen == payable_fen
    assert_invariants(held)
