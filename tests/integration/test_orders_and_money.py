"""Any sequence of orders, refunds, reversals, holds, settlements and expiry keeps every fen.

A plain Python model says what must come out: see `tests.factories.money_model`.
"""

from datetime import timedelta
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select, update

from coupon_service.campaigns.models import RefundPolicy, Release
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable, Standing
from coupon_service.vouchers.lifecycle import expire_due
from coupon_service.vouchers.models import Voucher, VoucherState
from fraud.holds import end_holds, hold
from merchants.models import Payout
from redemption.errors import (
    NothingToTakeOffError,
    OrderWasRefundedError,
    OrderWasReversedError,
    RefundExceedsOrderError,
    RefundNotFundedError,
    ReversalNotFundedError,
)
from redemption.models import Order
from tests.factories.money_model import Coupon, Line, Model, Sale, Transfer
from tests.factories.refunds import Shop
from tests.invariants import assert_invariants

# One voucher of each policy, and one that takes 12.34 %, at most 9.00. The budget keeps little
# besides what is reserved for them, so that it is sometimes not enough.
POLICIES = (*RefundPolicy, RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY)
FACES_FEN = (300, 101, 777, 1, 900)
RATES_BP = (None, None, None, None, 1_234)
SEATS = 20
SPARE_FEN = 1_000
STATES = {
    "issued": VoucherState.ISSUED,
    "resting": VoucherState.ISSUED,
    "used": VoucherState.REDEEMED,
    "expired": VoucherState.EXPIRED,
}


class OrdersAndMoney(RuleBasedStateMachine):
    held: Resources

    @initialize()
    def season(self) -> None:
        self.appropriated_fen = SEATS * (sum(FACES_FEN) + 300) + SPARE_FEN
        self.shop = Shop(self.held, amount_fen=self.appropriated_fen)
        self.releases: list[Release] = [
            self.shop.release(policy, face_fen=face_fen, rate_bp=rate_bp)
            for policy, face_fen, rate_bp in zip(POLICIES, FACES_FEN, RATES_BP, strict=True)
        ]
        self.model = Model(budget_fen=SPARE_FEN)
        self.payouts: list[tuple[Transfer, Payout]] = []
        self.case_id: UUID | None = None

    def coupon(self, kind: int, *, anew: bool) -> Coupon | None:
        """One that somebody holds already, or a new one; none if all are out."""
        release_kind = (POLICIES[kind], FACES_FEN[kind])
        own = [one for one in self.model.coupons if (one.policy, one.face_fen) == release_kind]
        usable = [one for one in own if one.state == "issued" and not one.is_late]
        if usable and not anew:
            return usable[0]
        if len(own) == SEATS:
            return None
        made = Coupon(self.shop.voucher(self.releases[kind]), *release_kind)
        self.model.coupons.append(made)
        return made

    @rule(
        kinds=st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True),
        order_fen=st.integers(1, 5_000),
        anew=st.booleans(),
    )
    def sell(self, kinds: list[int], order_fen: int, anew: bool) -> None:
        coupons = [one for kind in kinds if (one := self.coupon(kind, anew=anew))]
        if not coupons:
            return
        try:
            receipt = self.shop.sell(*(one.id for one in coupons), order_fen=order_fen)
        except NothingToTakeOffError:
            assert order_fen < sum(one.face_fen for one in coupons) or 4 in kinds
            return
        lines = [
            Line(line.redemption_id, coupon, line.discount_fen, line.discount_fen)
            for line, coupon in zip(receipt.lines, coupons, strict=True)
        ]
        assert all(0 < line.discount_fen <= line.coupon.face_fen for line in lines)
        assert receipt.discount_fen == sum(line.discount_fen for line in lines) <= order_fen
        self.model.sell(Sale(receipt.order_no, order_fen, lines))

    @precondition(lambda self: self.model.sales)
    @rule(data=st.data(), share=st.sampled_from([1, 10, 33, 50, 99, 100, 100, 101]))
    def refund(self, data: st.DataObject, share: int) -> None:
        """`share` per cent of what is left, at least one fen."""
        sale: Sale = data.draw(st.sampled_from(self.model.sales))
        goods_fen = max(1, -(-sale.left_fen * share // 100))
        if not sale.is_reversed and goods_fen <= sale.left_fen:
            customer_fen, parts = self.model.split(sale, goods_fen)
            returned = self.model.returns(sale, goods_fen)
            pairs = list(zip(sale.lines, parts, strict=True))
            is_funded = self.model.budget_after(pairs, returned) >= 0
        try:
            made = self.shop.refund(sale.order_no, goods_fen)
        except OrderWasReversedError:
            assert sale.is_reversed
        except RefundExceedsOrderError:
            assert goods_fen > sale.left_fen
        except RefundNotFundedError:
            assert not is_funded
        else:
            assert is_funded
            assert (made.customer_fen, made.district_fen) == (customer_fen, sum(parts))
            assert made.returned_vouchers == len(returned)
            self.model.refund(sale, goods_fen)

    @precondition(lambda self: self.model.sales)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        sale: Sale = data.draw(st.sampled_from(self.model.sales))
        pairs = [(line, line.owed_fen) for line in sale.lines]
        try:
            self.shop.reverse(sale.order_no)
        except OrderWasRefundedError:
            assert sale.back_fen
        except ReversalNotFundedError:
            assert self.model.budget_after(pairs, sale.lines) < 0
        else:
            if not sale.is_reversed:  # else the same answer, and nothing was done
                self.model.reverse(sale)

    @precondition(lambda self: any(one.state != "expired" for one in self.model.coupons))
    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        coupon = data.draw(
            st.sampled_from([one for one in self.model.coupons if one.state != "expired"])
        )
        coupon.is_late = True
        self.model.expire()
        with transaction(self.held.sessions) as session:
            session.execute(
                update(Voucher)
                .where(Voucher.id == coupon.id)
                .values(
                    valid_from=func.now() - timedelta(days=2),
                    expires_at=func.now() - timedelta(days=1),
                )
            )
            expire_due(session, now=db_now(session))  # those of earlier examples too

    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        free = [
            line
            for line in self.model.lines
            if line.standing is Standing.PAYABLE and not line.was_held
        ]
        if not free:
            return
        lines = data.draw(st.lists(st.sampled_from(free), min_size=1, max_size=3, unique_by=id))
        ids = [line.id for line in lines]
        if self.case_id is None:
            self.case_id = self.shop.hold(ids)
        else:
            with transaction(self.held.sessions) as session:
                assert hold(session, self.case_id, ids, now=db_now(session)) == len(ids)
        for line in lines:
            line.standing, line.was_held = Standing.HELD, True

    @precondition(lambda self: self.case_id)
    @rule()
    def release_hold(self) -> None:
        assert self.case_id is not None
        lines = [line for line in self.model.lines if line.standing is Standing.HELD]
        with transaction(self.held.sessions) as session:
            assert end_holds(session, self.case_id, now=db_now(session)) == len(lines)
        for line in lines:
            line.standing = Standing.PAYABLE

    @rule()
    def settle(self) -> None:
        expected = self.model.settle()
        made = self.shop.settle()
        if expected is None or made is None:
            assert expected is made is None
            return
        assert (made.amount_fen, made.netted_fen, made.item_count) == (
            expected.amount_fen,
            expected.netted_fen,
            len(expected.lines),
        )
        if expected.is_paid is None:
            self.payouts.append((expected, made))

    @precondition(lambda self: self.payouts)
    @rule(data=st.data(), is_paid=st.booleans())
    def bank_answers(self, data: st.DataObject, is_paid: bool) -> None:
        answered = data.draw(st.integers(0, len(self.payouts) - 1))
        transfer, payout = self.payouts.pop(answered)
        self.shop.answer(payout, paid=is_paid)
        self.model.answer(transfer, is_paid=is_paid)

    @invariant()
    def every_fen_is_where_it_must_be(self) -> None:
        if not hasattr(self, "model"):
            return
        totals = self.shop.totals
        for kind, amount_fen in self.model.totals().items():
            assert totals[kind] == amount_fen, kind
        assert sum(totals.values()) == 0
        assert totals[AccountKind.APPROPRIATION] == -self.appropriated_fen
        assert_invariants(self.held)
        self._compare_orders()
        self._compare_vouchers()

    def _compare_orders(self) -> None:
        """Customer and district have paid for what was kept of each order, and nobody else."""
        mine = self.shop.counter.merchant.id
        with transaction(self.held.sessions) as session:
            refunded = {
                order.order_no: order.refunded_fen
                for order in session.scalars(select(Order).where(Order.merchant_id == mine))
            }
            owed = {
                payable.id: payable.owed_fen
                for payable in session.scalars(select(Payable).where(Payable.merchant_id == mine))
            }
        for sale in self.model.sales:
            assert refunded[sale.order_no] == sale.back_fen
            district_fen = sum(owed[line.id] for line in sale.lines)
            if sale.is_reversed:
                assert district_fen == 0
            else:
                assert sale.paid_fen - sale.customer_back_fen + district_fen == sale.left_fen

    def _compare_vouchers(self) -> None:
        with transaction(self.held.sessions) as session:
            stored = {
                voucher.id: voucher.state
                for voucher in session.scalars(
                    select(Voucher).where(Voucher.id.in_([one.id for one in self.model.coupons]))
                )
            }
        assert stored == {one.id: STATES[one.state] for one in self.model.coupons}


@pytest.fixture(scope="module")
def app(shared_app: OpenAPI) -> OpenAPI:
    return shared_app


@pytest.fixture
def machine(held: Resources) -> type[OrdersAndMoney]:
    return type("OrdersAndMoney", (OrdersAndMoney,), {"held": held})


def test_any_sequence_of_orders_and_refunds_keeps_every_fen(
    machine: type[OrdersAndMoney],
) -> None:
    case = machine.TestCase
    case.settings = settings(
        max_examples=6,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
