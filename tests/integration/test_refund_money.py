"""Where the money of a voucher goes when the goods come back, wherever it stands by then."""

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from coupon_service.campaigns.fund import give_back_unused
from coupon_service.campaigns.models import RefundPolicy
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable
from coupon_service.vouchers.models import VoucherState
from fraud.holds import end_holds
from fraud.models import Hold
from merchants.models import PayoutState
from redemption.errors import (
    RefundNotFundedError,
)
from tests.factories.refunds import Shop, refused
from tests.invariants import assert_invariants

KEEP, POOL = RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY, RefundPolicy.RETURN_SHARE_TO_POOL
NEXT_DAY, CONSUMED = RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY, RefundPolicy.CONSUMED


@pytest.fixture(scope="module")
def app(shared_app: OpenAPI) -> OpenAPI:
    return shared_app


@pytest.fixture
def shop(held: Resources) -> Shop:
    return Shop(held)


def test_a_part_that_came_back_before_settlement_is_not_paid(held: Resources, shop: Shop) -> None:
    order = shop.sold(CONSUMED)
    shop.refund(order.order_no, 900)
    payout = shop.settled()
    assert (payout.amount_fen, payout.netted_fen) == (30, 0)
    assert_invariants(held)
    shop.answer(payout)
    assert shop.totals[AccountKind.PAID] == 30
    assert_invariants(held)


def test_a_part_that_came_back_in_flight_is_a_debit_once_the_bank_has_paid(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(CONSUMED)
    payout = shop.settled()
    budget_fen = shop.budget_fen
    shop.refund(order.order_no, 900)
    assert shop.totals[AccountKind.MERCHANT_DEBIT] == 270
    assert shop.budget_fen == budget_fen, "the money is with the bank"
    assert_invariants(held)
    shop.answer(payout)
    after = shop.totals
    assert (after[AccountKind.PAID], after[AccountKind.MERCHANT_DEBIT]) == (30, 270)
    assert_invariants(held)

    shop.sold(CONSUMED)
    second = shop.settled()
    assert (second.amount_fen, second.netted_fen) == (30, 270)
    assert_invariants(held)
    shop.answer(second)
    after = shop.totals
    assert (after[AccountKind.PAID], after[AccountKind.MERCHANT_DEBIT]) == (330, 0)
    assert_invariants(held)


def test_a_part_that_came_back_in_flight_owes_nothing_when_the_bank_rejects(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(CONSUMED)
    payout = shop.settled()
    budget_fen = shop.budget_fen
    shop.refund(order.order_no, 900)
    shop.answer(payout, paid=False)
    after = shop.totals
    assert (after[AccountKind.PAYABLE], after[AccountKind.MERCHANT_DEBIT]) == (30, 0)
    assert shop.budget_fen == budget_fen + 270
    assert_invariants(held)
    shop.refund(order.order_no, 50)
    again = shop.settled()
    assert (again.amount_fen, again.netted_fen) == (15, 0)
    shop.answer(again)
    assert_invariants(held)


def test_after_payment_the_shop_owes_it_and_the_budget_has_it_with_the_later_batch(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(CONSUMED)
    shop.answer(shop.settled())
    budget_fen = shop.budget_fen
    shop.refund(order.order_no, 900)
    shop.refund(order.order_no, 60)
    assert shop.totals[AccountKind.MERCHANT_DEBIT] == 288
    assert shop.budget_fen == budget_fen
    assert_invariants(held)

    voucher_id = shop.voucher(shop.kept)
    budget_fen = shop.budget_fen
    shop.sell(voucher_id)
    payout = shop.settled()
    assert (payout.amount_fen, payout.netted_fen) == (12, 288)
    assert shop.budget_fen == budget_fen, "not before the bank has answered"
    shop.answer(payout)
    assert shop.budget_fen == budget_fen + 288
    assert_invariants(held)


def test_a_debit_grows_by_later_refunds_and_each_fen_is_set_off_once(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(CONSUMED)
    shop.answer(shop.settled())
    netted = []
    for part in (100, 300, 600):
        shop.refund(order.order_no, part)
        shop.sold(CONSUMED)
        payout = shop.settled()
        netted.append(payout.netted_fen)
        shop.answer(payout)
        assert_invariants(held)
    assert netted == [30, 90, 180]
    assert shop.totals[AccountKind.MERCHANT_DEBIT] == 0


def test_an_earlier_debit_larger_than_what_refunds_left_is_set_off_in_parts(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(CONSUMED)
    shop.answer(shop.settled())
    shop.refund(order.order_no)
    small = shop.sold(CONSUMED)
    shop.refund(small.order_no, 900)
    payout = shop.settled()
    assert (payout.state, payout.amount_fen, payout.netted_fen) == (PayoutState.NETTED, 0, 30)
    assert shop.totals[AccountKind.MERCHANT_DEBIT] == 270
    assert_invariants(held)


def test_a_returned_voucher_of_a_paid_order_is_reserved_out_of_the_node(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(KEEP)
    shop.answer(shop.settled())
    budget_fen = shop.budget_fen
    shop.refund(order.order_no)
    assert shop.budget_fen == budget_fen - 300
    assert shop.totals[AccountKind.MERCHANT_DEBIT] == 300
    assert_invariants(held)


def test_a_refund_that_the_node_cannot_fund_is_refused_and_changes_nothing(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(CONSUMED, KEEP)
    shop.answer(shop.settled())
    with transaction(held.sessions) as session:
        give_back_unused(session, shop.small.event.id, shop.budget_fen)
    error = refused(lambda: shop.refund(order.order_no), RefundNotFundedError, shop)
    assert "available_fen" not in error.extra
    # A part returns no voucher and needs no money.
    assert shop.refund(order.order_no, 900).returned_vouchers == 0
    assert_invariants(held)


def test_what_one_voucher_of_an_order_frees_may_reserve_another(
    held: Resources, shop: Shop
) -> None:
    percent = shop.voucher(shop.release(KEEP, face_fen=300, rate_bp=1_000))
    order = shop.sell(shop.voucher(shop.release(CONSUMED, face_fen=400)), percent)
    with transaction(held.sessions) as session:
        give_back_unused(session, shop.small.event.id, shop.budget_fen)
    freed = order.discount_fen
    shop.refund(order.order_no)
    assert shop.stored(percent).state == VoucherState.ISSUED
    assert shop.budget_fen == freed - 300
    assert_invariants(held)


def test_a_part_of_a_held_item_comes_back_out_of_the_hold(held: Resources, shop: Shop) -> None:
    order = shop.sold(CONSUMED)
    case_id = shop.hold([order.lines[0].redemption_id])
    budget_fen = shop.budget_fen
    shop.refund(order.order_no, 900)
    drain(held.sessions)
    assert shop.totals[AccountKind.HELD] == 30
    assert shop.budget_fen == budget_fen + 270
    assert_invariants(held)
    with transaction(held.sessions) as session:
        assert end_holds(session, case_id, now=db_now(session)) == 1
    assert shop.settled().amount_fen == 30
    assert_invariants(held)


def test_the_hold_of_what_came_back_in_full_ends(held: Resources, shop: Shop) -> None:
    order, other = shop.sold(KEEP), shop.sold(KEEP)
    shop.hold([line.redemption_id for line in (*order.lines, *other.lines)])
    shop.refund(order.order_no)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        held_still = session.scalars(
            select(Hold.payable_id)
            .join(Payable, Payable.id == Hold.payable_id)
            .where(Hold.ended_at.is_(None), Payable.merchant_id == shop.counter.merchant.id)
        ).all()
    assert held_still == [other.lines[0].redemption_id]
    assert shop.totals[AccountKind.HELD] == 300
    assert_invariants(held)
