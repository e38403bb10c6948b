"""Past orders of a till: by day, by a part of their number, in words and on paper."""

from datetime import timedelta

from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI

from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from redemption.present import At
from redemption.refund import RefundCommand, refund
from redemption.reverse import reverse
from tests.factories.campaigns import make_season
from tests.factories.redemption import (
    Market,
    another_till,
    make_counter,
    make_market,
    make_voucher,
    redeemed,
)
from tests.factories.tills import sign_in_till
from tests.invariants import assert_invariants


def sell(held: Resources, market: Market, order_no: str, *, days_ago: int = 0) -> None:
    with transaction(held.sessions) as session:
        now = db_now(session) - timedelta(days=days_ago)
        voucher_id = make_voucher(session, market.release, valid_from=now - timedelta(hours=1))
        at = At(till_id=market.counter.till.id)
        redeemed(session, voucher_id, at, order_no=order_no, now=now)


def test_orders_are_found_by_day_and_by_a_part_of_their_number(
    client: FlaskClient, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        market = make_market(session)
        beside = another_till(session, market.counter)
        at_beside = At(till_id=beside.till.id)
        redeemed(session, make_voucher(session, market.release), at_beside, order_no="XA-9")
        today = local_date(db_now(session))
    sell(held, market, "XA-1")
    sell(held, market, "XB_2", days_ago=2)
    sign_in_till(client, market.counter)

    def listed(query: str) -> set[str]:
        page = client.get(f"/till/today?{query}").text
        return {number for number in ("XA-1", "XB_2", "XA-9") if f"/orders/{number}" in page}

    assert listed("") == {"XA-1"}
    assert listed(f"day={today - timedelta(days=2)}") == {"XB_2"}
    assert listed(f"day={today - timedelta(days=1)}") == set()
    for nonsense in (today + timedelta(days=1), "0001-01-01", "9999-12-31", "x", "2026-02-30"):
        assert listed(f"day={nonsense}") == {"XA-1"}
    assert listed("q=xb") == {"XB_2"}
    assert listed("q=X") == {"XA-1", "XB_2"}
    assert listed("q=%25") == listed("q=XA_1") == set()
    assert listed("q=_") == {"XB_2"}


def test_an_order_and_its_receipt_say_what_became_of_it_to_its_own_merchant_only(
    app: OpenAPI, client: FlaskClient, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        market = make_market(session)
        stranger = make_counter(session, make_season(session).district)
    sell(held, market, "A-1")
    sell(held, market, "A-2")
    sign_in_till(client, market.counter)
    assert "冲正这一单" in client.get("/till/orders/A-1").text
    with transaction(held.sessions) as session:
        now = db_now(session)
        refund(session, RefundCommand(market.counter.till.id, "A-1", "R-1", 4_000), now=now)
        reverse(session, market.counter.till.id, "A-2", now=now)
    page = client.get("/till/orders/A-1").text
    assert "退给顾客" in page
    assert "冲正这一单" not in page
    receipt = client.get("/till/orders/A-1/receipt").text
    for words in ("A-1", "¥80", "−¥20", "¥60", "−¥30"):
        assert words in receipt
    assert "本单作废" in client.get("/till/orders/A-2/receipt").text
    listed = client.get("/till/today").text
    assert "部分退款" in listed
    assert "已冲正" in listed
    other = app.test_client()
    sign_in_till(other, stranger)
    for path in ("/till/orders/A-1", "/till/orders/A-1/receipt"):
        assert other.get(path).status_code == 404
    assert_invariants(held)
