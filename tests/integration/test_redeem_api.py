"""A till redeems through the API."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from coupon_service.campaigns.models import Channel, ThresholdBasis
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable, Transfer
from coupon_service.ledger.queries import season_totals_fen
from coupon_service.vouchers.models import Voucher, VoucherState
from merchants.onboard import set_till_active
from merchants.suspend import suspend
from redemption.models import Redemption
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.redemption import (
    Counter,
    another_till,
    make_counter,
    make_market,
    make_voucher,
    market_with_voucher,
    shown,
)
from tests.invariants import assert_invariants


def redeem_at(client: FlaskClient, counter: Counter, code: str, **body: Any) -> TestResponse:
    order = {"code": code, "order_no": "A-1", "order_fen": 8_000} | body
    return client.post("/api/v1/redemptions", json=order, headers=counter.headers)


def traces(held: Resources) -> tuple[int, ...]:
    """How many rows a redemption would have added to."""
    with transaction(held.sessions) as session:
        return tuple(
            session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Redemption, Payable, Transfer, OutboxRow)
        )


def state_of(held: Resources, voucher_id: UUID) -> str:
    with transaction(held.sessions) as session:
        return session.execute(select(Voucher.state).where(Voucher.id == voucher_id)).scalar_one()


def test_a_scanned_voucher_pays_its_face_and_the_merchant_is_owed_it(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    answer = redeem_at(client, market.counter, code.token)
    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["discount_fen"] == 2_000
    assert answer.json["customer_pays_fen"] == 6_000
    assert answer.json["state"] == "redeemed"
    assert answer.json["repeated"] is False
    assert state_of(held, voucher_id) == VoucherState.REDEEMED
    with transaction(held.sessions) as session:
        totals = season_totals_fen(session, market.small.season.id)
    assert totals[AccountKind.PAYABLE] == 2_000
    assert totals[AccountKind.RESERVED] == 99 * 2_000
    assert_invariants(held)


def test_twelve_typed_digits_do_the_same(client: FlaskClient, held: Resources) -> None:
    market, voucher_id, code = market_with_voucher(held)
    digits = f"{code.typed_code[:4]} {code.typed_code[4:8]} {code.typed_code[8:]}"
    assert redeem_at(client, market.counter, digits).status_code == 201
    assert state_of(held, voucher_id) == VoucherState.REDEEMED
    assert_invariants(held)


def test_the_redemption_keeps_what_the_store_was_at_that_moment(
    client: FlaskClient, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        release = make_release(session, make_campaign(session, small))
        counter = make_counter(session, small.district, zone="dashilar", tags=("老字号",))
        code = shown(session, make_voucher(session, release))
    assert redeem_at(client, counter, code.token).status_code == 201
    with transaction(held.sessions) as session:
        stored = session.scalars(select(Redemption)).one()
    assert (stored.zone, stored.category, stored.tags) == ("dashilar", "catering", ["老字号"])
    assert (stored.channel, stored.till_id) == (Channel.ONSITE, counter.till.id)


def test_the_same_order_again_gets_the_same_answer_and_does_nothing(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    first = redeem_at(client, market.counter, code.token)
    before = traces(held)
    second = redeem_at(client, market.counter, code.token)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json is not None
    assert second.json == first.json | {"repeated": True}
    assert traces(held) == before
    assert_invariants(held)


def test_a_repeat_is_answered_after_the_code_went_stale_and_the_merchant_was_suspended(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    assert redeem_at(client, market.counter, code.token).status_code == 201
    with transaction(held.sessions) as session:
        suspend(session, market.counter.merchant.id)
        now = db_now(session)
        stale = shown(session, voucher_id, now=now - timedelta(hours=1))
    assert redeem_at(client, market.counter, stale.token).status_code == 200


def test_the_same_order_may_be_asked_for_again_by_another_till_or_by_typed_code(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        neighbour = another_till(session, market.counter)
    assert redeem_at(client, market.counter, code.token).status_code == 201
    assert redeem_at(client, neighbour, code.typed_code).status_code == 200
    assert_invariants(held)


def test_the_same_order_number_with_another_amount_is_refused(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    redeem_at(client, market.counter, code.token)
    before = traces(held)
    answer = redeem_at(client, market.counter, code.token, order_fen=8_001)
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["slug"] == "order-number-reused"
    assert traces(held) == before
    assert_invariants(held)


def test_the_same_order_number_with_another_voucher_is_refused_and_leaves_that_voucher(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        other_id = make_voucher(session, market.release)
        other = shown(session, other_id)
    redeem_at(client, market.counter, code.token)
    answer = redeem_at(client, market.counter, other.token)
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (409, "order-number-reused")
    assert state_of(held, other_id) == VoucherState.ISSUED
    assert_invariants(held)


def test_two_merchants_may_use_the_same_order_number(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        other = make_counter(session, market.small.district)
        other_code = shown(session, make_voucher(session, market.release))
    assert redeem_at(client, market.counter, code.token).status_code == 201
    assert redeem_at(client, other, other_code.token).status_code == 201
    assert_invariants(held)


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


def test_the_threshold_before_the_merchants_discount_counts_when_the_terms_say_so(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    answer = redeem_at(
        client, market.counter, code.token, order_fen=5_000, after_discount_fen=1_500
    )
    assert answer.json is not None
    assert answer.json["discount_fen"] == 1_500
    assert answer.json["customer_pays_fen"] == 0
    with transaction(held.sessions) as session:
        totals = season_totals_fen(session, market.small.season.id)
    # What the face had over the payable amount is free for another release.
    assert totals[AccountKind.RESERVED] == 99 * 2_000
    assert totals[AccountKind.PAYABLE] == 1_500
    assert_invariants(held)


def test_a_capped_percentage_returns_what_it_did_not_need_to_its_node(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held, face_fen=3_000, rate_bp=1_250, threshold_fen=0)
    answer = redeem_at(client, market.counter, code.token, order_fen=9_996)
    assert answer.json is not None
    assert answer.json["discount_fen"] == 1_250  # 1249.5, half up
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


def test_a_merchant_that_joined_before_the_season_can_redeem_in_it(
    client: FlaskClient, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        counter = make_counter(session, small.district)
        later = make_season(session, district=small.district)
        release = make_release(session, make_campaign(session, later))
        code = shown(session, make_voucher(session, release))
    assert redeem_at(client, counter, code.token).status_code == 201
    assert_invariants(held)


def test_what_became_of_an_order_can_be_asked_for_by_every_till_of_the_merchant_only(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        neighbour = another_till(session, market.counter)
        stranger = make_counter(session, market.small.district)
    made = redeem_at(client, market.counter, code.token)
    for counter in (market.counter, neighbour):
        found = client.get("/api/v1/redemptions/A-1", headers=counter.headers)
        assert (found.status_code, found.json) == (200, made.json)
    assert client.get("/api/v1/redemptions/A-1", headers=stranger.headers).status_code == 404


def test_a_quote_says_what_the_customer_would_pay_and_writes_nothing(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    before = traces(held)
    answer = client.post(
        "/api/v1/quotes",
        json={"code": code.token, "order_fen": 8_000},
        headers=market.counter.headers,
    )
    assert answer.json == {
        "order_fen": 8_000,
        "after_discount_fen": 8_000,
        "discount_fen": 2_000,
        "customer_pays_fen": 6_000,
        "campaign": "满50减20",
    }
    assert traces(held) == before
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_a_quote_refuses_what_a_redemption_would_refuse(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        session.execute(
            update(Voucher)
            .where(Voucher.id == voucher_id)
            .values(expires_at=db_now(session) - timedelta(seconds=1))
        )
    answer = client.post(
        "/api/v1/quotes",
        json={"code": code.token, "order_fen": 8_000},
        headers=market.counter.headers,
    )
    assert answer.json is not None
    assert (answer.status_code, answer.json["slug"]) == (409, "voucher-expired")


def test_nobody_redeems_without_a_tills_key(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    body = {"code": code.token, "order_no": "A-1", "order_fen": 8_000}
    wrong = market.counter.key[:-1] + ("A" if market.counter.key[-1] != "A" else "B")
    for headers in ({}, {"Authorization": f"Bearer {wrong}"}, {"Authorization": "Bearer till_"}):
        answer = client.post("/api/v1/redemptions", json=body, headers=headers)
        assert answer.status_code == 401
    assert traces(held)[0] == 0
