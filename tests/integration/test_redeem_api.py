"""A till redeems through the API."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from coupon_service.campaigns.models import Channel
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable, Transfer
from coupon_service.ledger.queries import season_totals_fen
from coupon_service.vouchers.models import Voucher, VoucherState
from merchants.suspend import suspend
from redemption.models import Redemption
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.redemption import (
    Counter,
    another_till,
    make_counter,
    make_voucher,
    market_with_voucher,
    shown,
)
from tests.invariants import assert_invariants


def redeem_at(client: FlaskClient, counter: Counter, code: str, **body: Any) -> TestResponse:
    order = {"vouchers": [{"code": code}], "order_no": "A-1", "order_fen": 8_000} | body
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
        json={"vouchers": [{"code": code.token}], "order_fen": 8_000},
        headers=market.counter.headers,
    )
    assert answer.json == {
        "order_fen": 8_000,
        "after_discount_fen": 8_000,
        "discount_fen": 2_000,
        "customer_pays_fen": 6_000,
        "vouchers": [
            {
                "campaign": "满50减20",
                "discount_fen": 2_000,
                "unused_slug": None,
                "unused_title": None,
                "unused_detail": None,
                "unused_facts": {},
            }
        ],
    }
    assert traces(held) == before
    assert state_of(held, voucher_id) == VoucherState.ISSUED


def test_a_quote_explains_what_a_redemption_would_refuse(
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
        json={"vouchers": [{"code": code.token}], "order_fen": 8_000},
        headers=market.counter.headers,
    )
    assert answer.json is not None
    assert (answer.status_code, answer.json["customer_pays_fen"]) == (200, 8_000)
    (quoted,) = answer.json["vouchers"]
    assert (quoted["unused_slug"], quoted["discount_fen"]) == ("voucher-expired", 0)
