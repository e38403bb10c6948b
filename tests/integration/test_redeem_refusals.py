"""What a till is refused, in one sentence and with a reason; and that nothing changes then."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from coupon_service.campaigns.models import ThresholdBasis
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher, VoucherState
from merchants.onboard import set_till_active
from merchants.suspend import suspend
from tests.factories.redemption import (
    make_market,
    make_voucher,
    market_with_voucher,
    shown,
)
from tests.integration.test_redeem_api import redeem_at, state_of, traces
from tests.invariants import assert_invariants


def test_a_used_voucher_is_refused_at_the_next_till(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    redeem_at(client, market.counter, code.token)
    before = traces(held)
    answer = redeem_at(client, market.counter, code.token, order_no="A-2")
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (409, "voucher-used")
    assert answer.json["detail"] == "这张消费券已经使用过了。"
    assert traces(held) == before
    assert_invariants(held)


def test_a_refused_order_number_can_be_used_afterwards(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    assert redeem_at(client, market.counter, code.token, order_fen=4_999).status_code == 409
    assert redeem_at(client, market.counter, code.token, order_fen=5_000).status_code == 201
    assert_invariants(held)


@pytest.mark.parametrize(
    ("terms", "order", "slug"),
    [
        ({}, {"order_fen": 4_999}, "below-threshold"),
        (
            {"threshold_basis": ThresholdBasis.AFTER},
            {"order_fen": 9_000, "after_discount_fen": 4_999},
            "below-threshold",
        ),
        ({"scope": {"zones": ["liulichang"]}}, {}, "store-out-of-scope"),
        ({"redeem_channels": ["virtual"]}, {}, "channel-out-of-scope"),
        ({"threshold_fen": 0, "min_pay_fen": 1}, {"order_fen": 1}, "nothing-to-take-off"),
    ],
)
def test_an_order_outside_the_terms_is_refused_and_nothing_changes(
    client: FlaskClient,
    held: Resources,
    terms: dict[str, Any],
    order: dict[str, int],
    slug: str,
) -> None:
    market, voucher_id, code = market_with_voucher(held, **terms)
    before = traces(held)
    answer = redeem_at(client, market.counter, code.token, **order)
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (409, slug)
    assert traces(held) == before
    assert state_of(held, voucher_id) == VoucherState.ISSUED
    assert_invariants(held)


@pytest.mark.parametrize(
    ("start", "end", "slug"),
    [
        (timedelta(days=-2), timedelta(seconds=-1), "voucher-expired"),
        (timedelta(hours=1), timedelta(days=1), "voucher-not-yet-valid"),
    ],
)
def test_a_voucher_works_within_its_validity_only(
    client: FlaskClient, held: Resources, start: timedelta, end: timedelta, slug: str
) -> None:
    with transaction(held.sessions) as session:
        market = make_market(session)
        now = db_now(session)
        voucher_id = make_voucher(
            session, market.release, valid_from=now + start, expires_at=now + end
        )
        code = shown(session, voucher_id)
    answer = redeem_at(client, market.counter, code.token)
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (409, slug)
    assert traces(held)[0] == 0
    assert_invariants(held)


def test_a_code_drawn_too_long_ago_is_refused(client: FlaskClient, held: Resources) -> None:
    market, voucher_id, _ = market_with_voucher(held)
    with transaction(held.sessions) as session:
        ttl = timedelta(seconds=held.settings.token_ttl_s)
        screenshot = shown(session, voucher_id, now=db_now(session) - ttl)
    answer = redeem_at(client, market.counter, screenshot.token)
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (400, "expired-token")
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_unknown_forged_and_foreign_codes_get_one_and_the_same_answer(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    elsewhere, _, foreign = market_with_voucher(held)
    forged = code.token[:-4] + ("AAAA" if not code.token.endswith("AAAA") else "BBBB")
    unknown = f"{(int(code.typed_code) + 1) % 10**12:012d}"
    answers = [
        redeem_at(client, market.counter, text).json or {}
        for text in (forged, unknown, foreign.token, foreign.typed_code, "HELLO", "0", "二维码")
    ]
    assert {answer["slug"] for answer in answers} == {"code-not-recognised"}
    assert len({str(answer | {"request_id": ""}) for answer in answers}) == 1
    assert traces(held)[0] == 0
    assert state_of(held, voucher_id) == VoucherState.ISSUED
    assert elsewhere.small.district.id != market.small.district.id
    assert_invariants(held)


def test_no_refusal_tells_whose_voucher_it_is(client: FlaskClient, held: Resources) -> None:
    with transaction(held.sessions) as session:
        market = make_market(session)
        voucher_id = make_voucher(session, market.release)
        code = shown(session, voucher_id)
        resident_id = session.execute(select(Voucher.resident_id)).scalar_one()
    redeem_at(client, market.counter, code.token)
    for order in ({"order_no": "A-2"}, {"order_fen": 9_999}, {"order_fen": 1, "order_no": "A-3"}):
        text = redeem_at(client, market.counter, code.token, **order).text
        assert str(resident_id) not in text
        assert str(voucher_id) not in text


def test_a_suspended_merchant_redeems_nothing(client: FlaskClient, held: Resources) -> None:
    market, voucher_id, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        suspend(session, market.counter.merchant.id)
    answer = redeem_at(client, market.counter, code.token)
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (403, "merchant-not-active")
    assert traces(held)[0] == 0
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_a_till_that_is_switched_off_redeems_nothing_even_while_its_key_is_remembered(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    assert client.get("/api/v1/redemptions/none", headers=market.counter.headers).status_code == 404
    with transaction(held.sessions) as session:
        set_till_active(session, market.counter.till.id, is_active=False)
    answer = redeem_at(client, market.counter, code.token)
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (403, "till-not-active")
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_nobody_redeems_without_a_tills_key(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    body = {"vouchers": [{"code": code.token}], "order_no": "A-1", "order_fen": 8_000}
    wrong = market.counter.key[:-1] + ("A" if market.counter.key[-1] != "A" else "B")
    for headers in ({}, {"Authorization": f"Bearer {wrong}"}, {"Authorization": "Bearer till_"}):
        answer = client.post("/api/v1/redemptions", json=body, headers=headers)
        assert answer.status_code == 401
    assert traces(held)[0] == 0
