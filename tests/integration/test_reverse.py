"""A till undoes its own redemption."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from coupon_service.campaigns.fund import budget, give_back_unused
from coupon_service.core.clock import db_now, local_date, local_day_start
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable
from coupon_service.ledger.queries import balance_fen, season_totals_fen
from coupon_service.vouchers.lifecycle import expire_due
from coupon_service.vouchers.models import Voucher, VoucherState
from merchants.onboard import set_till_active
from merchants.payout_account import BankAccount, set_payout_account
from merchants.suspend import suspend
from redemption.errors import ReversalNotFundedError, ReversalTooLateError
from redemption.models import Redemption, RedemptionState
from redemption.reverse import reverse
from tests.factories.merchants import Bazaar, hold_items, settle_now
from tests.factories.redemption import (
    Counter,
    Market,
    another_till,
    make_counter,
    market_with_voucher,
)
from tests.invariants import assert_invariants

Redeemed = tuple[Market, UUID, str]


def redeem_at(client: FlaskClient, counter: Counter, code: str, order_no: str) -> TestResponse:
    body = {"vouchers": [{"code": code}], "order_no": order_no, "order_fen": 8_000}
    return client.post("/api/v1/redemptions", json=body, headers=counter.headers)


def reverse_at(client: FlaskClient, counter: Counter, order_no: str) -> TestResponse:
    return client.post(f"/api/v1/redemptions/{order_no}/reversal", headers=counter.headers)


@pytest.fixture
def redeemed(client: FlaskClient, held: Resources) -> Redeemed:
    market, voucher_id, code = market_with_voucher(held)
    assert redeem_at(client, market.counter, code.token, "A-1").status_code == 201
    return market, voucher_id, code.token


def totals(held: Resources, market: Market) -> dict[AccountKind, int]:
    with transaction(held.sessions) as session:
        return season_totals_fen(session, market.small.season.id)


def state_of(held: Resources, voucher_id: UUID) -> str:
    with transaction(held.sessions) as session:
        return session.execute(select(Voucher.state).where(Voucher.id == voucher_id)).scalar_one()


def test_a_reversal_gives_the_voucher_and_the_money_back(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    answer = reverse_at(client, market.counter, "A-1")
    assert answer.json is not None
    assert (answer.status_code, answer.json["state"]) == (200, "reversed")
    assert answer.json["reversed_at"] is not None
    assert state_of(held, voucher_id) == VoucherState.ISSUED
    assert totals(held, market)[AccountKind.PAYABLE] == 0
    assert totals(held, market)[AccountKind.RESERVED] == 100 * 2_000
    assert_invariants(held)


def test_a_reversal_keeps_the_vouchers_expiry(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed

    def expiry() -> datetime:
        with transaction(held.sessions) as session:
            return session.execute(
                select(Voucher.expires_at).where(Voucher.id == voucher_id)
            ).scalar_one()

    before = expiry()
    reverse_at(client, market.counter, "A-1")
    assert expiry() == before


def test_reversing_twice_gives_the_same_answer_and_moves_money_once(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, _, _ = redeemed
    first = reverse_at(client, market.counter, "A-1")
    second = reverse_at(client, market.counter, "A-1")
    assert (second.status_code, second.json) == (200, first.json)
    assert totals(held, market)[AccountKind.RESERVED] == 100 * 2_000
    assert_invariants(held)


def test_a_reversed_voucher_pays_again_under_another_order_number(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, token = redeemed
    reverse_at(client, market.counter, "A-1")
    assert redeem_at(client, market.counter, token, "A-2").status_code == 201
    assert state_of(held, voucher_id) == VoucherState.REDEEMED
    # A second reversal of the first order must not touch the second one.
    assert reverse_at(client, market.counter, "A-1").status_code == 200
    assert state_of(held, voucher_id) == VoucherState.REDEEMED
    assert_invariants(held)


def test_a_delayed_repeat_of_a_reversed_order_does_not_redeem_again(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, token = redeemed
    reverse_at(client, market.counter, "A-1")
    answer = redeem_at(client, market.counter, token, "A-1")
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (409, "order-was-reversed")
    assert state_of(held, voucher_id) == VoucherState.ISSUED
    assert_invariants(held)


def test_any_till_of_the_merchant_may_reverse_and_no_other(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    with transaction(held.sessions) as session:
        neighbour = another_till(session, market.counter)
        stranger = make_counter(session, market.small.district)
    # To a stranger the number is one of its own that has not arrived.
    answer = reverse_at(client, stranger, "A-1")
    assert answer.json is not None
    assert answer.json["state"] == "tombstone"
    assert state_of(held, voucher_id) == VoucherState.REDEEMED
    assert reverse_at(client, neighbour, "A-1").status_code == 200
    assert state_of(held, voucher_id) == VoucherState.ISSUED
    assert_invariants(held)


def test_a_suspended_merchant_may_still_reverse(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    with transaction(held.sessions) as session:
        suspend(session, market.counter.merchant.id)
    assert reverse_at(client, market.counter, "A-1").status_code == 200
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_a_till_that_is_switched_off_reverses_nothing(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    with transaction(held.sessions) as session:
        set_till_active(session, market.counter.till.id, is_active=False)
    assert reverse_at(client, market.counter, "A-1").status_code in (401, 403)
    assert state_of(held, voucher_id) == VoucherState.REDEEMED


def test_an_order_can_be_reversed_until_its_local_day_ends_and_not_after(
    held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    with transaction(held.sessions) as session:
        midnight = local_day_start(local_date(db_now(session)) + timedelta(days=1))
    with (
        pytest.raises(ReversalTooLateError),
        transaction(held.sessions) as session,
    ):
        reverse(session, market.counter.till.id, "A-1", now=midnight)
    assert state_of(held, voucher_id) == VoucherState.REDEEMED
    with transaction(held.sessions) as session:
        reverse(session, market.counter.till.id, "A-1", now=midnight - timedelta(milliseconds=1))
    assert state_of(held, voucher_id) == VoucherState.ISSUED
    assert_invariants(held)


def test_the_day_of_a_tombstone_does_not_matter_to_its_repeat(held: Resources) -> None:
    market, _, _ = market_with_voucher(held)
    with transaction(held.sessions) as session:
        now = db_now(session)
        first = reverse(session, market.counter.till.id, "A-1", now=now)
    with transaction(held.sessions) as session:
        again = reverse(session, market.counter.till.id, "A-1", now=now + timedelta(days=3))
    assert again.order_id == first.order_id


def test_a_voucher_that_expired_meanwhile_expires_and_its_money_returns_to_the_node(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    with transaction(held.sessions) as session:
        session.execute(
            update(Voucher).where(Voucher.id == voucher_id).values(expires_at=db_now(session))
        )
    account = budget(market.small.season.id, market.small.event.id)
    with transaction(held.sessions) as session:
        before_fen = balance_fen(session, account)
    assert reverse_at(client, market.counter, "A-1").status_code == 200
    assert_invariants(held)
    with transaction(held.sessions) as session:
        assert expire_due(session, now=db_now(session)) == 1
    assert state_of(held, voucher_id) == VoucherState.EXPIRED
    with transaction(held.sessions) as session:
        assert balance_fen(session, account) == before_fen + 2_000
    assert_invariants(held)


def test_the_reversal_of_a_percentage_takes_back_what_had_returned_to_the_node(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held, face_fen=3_000, rate_bp=1_000, threshold_fen=0)
    redeem_at(client, market.counter, code.token, "A-1")
    assert reverse_at(client, market.counter, "A-1").status_code == 200
    assert totals(held, market)[AccountKind.RESERVED] == 100 * 3_000
    assert_invariants(held)


def test_a_held_payable_is_reversed_out_of_the_hold(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    with transaction(held.sessions) as session:
        (payable_id,) = session.scalars(select(Payable.id))
        bazaar = Bazaar(market.small, market.release)
        hold_items(session, bazaar, market.counter, [payable_id])
    assert reverse_at(client, market.counter, "A-1").status_code == 200
    assert totals(held, market)[AccountKind.HELD] == 0
    assert state_of(held, voucher_id) == VoucherState.ISSUED
    assert_invariants(held)


def test_money_already_on_its_way_to_the_bank_becomes_a_merchant_debit(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    _settle(held, market)
    assert reverse_at(client, market.counter, "A-1").status_code == 200
    assert totals(held, market)[AccountKind.MERCHANT_DEBIT] == 2_000
    assert state_of(held, voucher_id) == VoucherState.ISSUED
    assert_invariants(held)


def test_a_reversal_the_node_cannot_fund_is_refused_and_nothing_changes(
    client: FlaskClient, held: Resources, redeemed: Redeemed
) -> None:
    market, voucher_id, _ = redeemed
    _settle(held, market)
    with transaction(held.sessions) as session:
        account = budget(market.small.season.id, market.small.event.id)
        give_back_unused(session, market.small.event.id, balance_fen(session, account))
    answer = reverse_at(client, market.counter, "A-1")
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (409, ReversalNotFundedError.slug)
    assert "available_fen" not in answer.json
    assert state_of(held, voucher_id) == VoucherState.REDEEMED
    with transaction(held.sessions) as session:
        assert session.scalars(select(Redemption.state)).one() == RedemptionState.REDEEMED
    assert_invariants(held)


def _settle(held: Resources, market: Market) -> None:
    """Put what the merchant is owed into a batch: it is on its way to the bank."""
    with transaction(held.sessions) as session:
        set_payout_account(
            session,
            held.vault,
            market.counter.merchant.id,
            BankAccount("庆丰小馆有限公司", "示例银行", "6299990000000000012"),
            now=db_now(session) - timedelta(days=30),
        )
    assert settle_now(held, market.small.season.id) is not None
