"""The refund at the till, as a browser without JavaScript makes it."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from coupon_service.campaigns.models import RefundPolicy
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from redemption.models import Refund
from redemption.receipt import Receipt
from tests.factories.refunds import Shop
from tests.factories.tills import sign_in_till
from tests.invariants import assert_invariants

KEEP, NEXT_DAY = (
    RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY,
    RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY,
)


@pytest.fixture
def shop(held: Resources, client: FlaskClient) -> Shop:
    shop = Shop(held)
    sign_in_till(client, shop.counter)
    return shop


def page_of(order: Receipt) -> str:
    return f"/till/orders/{order.order_no}/refund"


def hidden(page: str) -> dict[str, str]:
    """The fields that the page would send when the cashier confirms."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def figure(page: str) -> str:
    """The large figure: what the customer gets."""
    (found,) = re.findall(r'<b class="number"><small>¥</small>([\d.,]+)</b>', page)
    return str(found)


def refunds(held: Resources) -> list[tuple[int, int]]:
    with transaction(held.sessions) as session:
        return [
            (made.goods_fen, made.customer_fen)
            for made in session.scalars(select(Refund).order_by(Refund.id))
        ]


def test_what_the_customer_gets_is_shown_before_it_is_confirmed_and_is_what_they_get(
    client: FlaskClient, held: Resources, shop: Shop
) -> None:
    order = shop.sold(NEXT_DAY)
    offered = client.get(page_of(order)).text
    assert figure(offered) == "7", "all that is left, unless told otherwise"
    assert hidden(offered)["goods"] == "10.00"
    part = client.get(page_of(order), query_string={"goods": "9"}).text
    assert figure(part) == "6.30"
    assert "消费券部分 2.70 元退回财政" in part
    assert "整单退完，消费券才退回。" in part
    assert refunds(held) == []

    for _ in range(2):  # a double tap
        sent = client.post(page_of(order), data=hidden(part))
        assert sent.status_code == 303
    assert refunds(held) == [(900, 630)]
    done = client.get(sent.location).text
    assert figure(done) == "6.30"
    assert "整单退完，消费券才退回。" in done
    assert hidden(part)["refund_no"] in done

    rest = client.get(page_of(order)).text
    assert figure(rest) == "0.70"
    assert "起可用。" in rest
    done = client.post(page_of(order), data=hidden(rest), follow_redirects=True).text
    assert figure(done) == "0.70"
    assert "起可用。" in done
    assert refunds(held) == [(900, 630), (100, 70)]
    closed = client.get(page_of(order)).text
    assert "这笔订单的货已经全部退回。" in closed
    assert "<form" not in closed.split("<main")[1].split("</main>")[0]
    assert_invariants(held)


def test_every_voucher_of_the_order_has_its_own_fate_on_the_page(
    client: FlaskClient, held: Resources, shop: Shop
) -> None:
    order = shop.sold(KEEP, RefundPolicy.CONSUMED)
    for page in (
        client.get(page_of(order)).text,
        client.post(
            page_of(order), data={"goods": "10", "refund_no": "R-1"}, follow_redirects=True
        ).text,
    ):
        first, second = re.findall(r"<b>(\w+)</b><br>([^<]+)</span>", page)
        assert first == (KEEP.value, "消费券退回顾客券包，有效期不变。")
        assert second == ("consumed", "按活动规则，消费券不退回。")
    listed = client.get(f"/till/orders/{order.order_no}").text
    assert f"/till/orders/{order.order_no}/refunds/R-1" in listed
    assert_invariants(held)


def test_an_amount_that_cannot_be_refunded_is_said_at_the_field_and_nothing_is_done(
    client: FlaskClient, held: Resources, shop: Shop
) -> None:
    order = shop.sold(KEEP)
    for typed, says in (
        *((wrong, "请填写退货金额") for wrong in ("", "0", "九元", "-1")),
        ("10.01", "本单还可以退 10 元的货。"),
    ):
        page = client.get(page_of(order), query_string={"goods": typed}).text
        assert says in page
        assert "refund_no" not in hidden(page)
        sent = client.post(page_of(order), data={"goods": typed, "refund_no": "R-1"})
        assert sent.status_code in (400, 409)
        assert says in sent.text
    assert refunds(held) == []
    assert_invariants(held)


def test_a_refund_of_a_reversed_order_is_refused_and_so_is_a_number_used_before(
    client: FlaskClient, held: Resources, shop: Shop
) -> None:
    undone, order = shop.sold(KEEP), shop.sold(KEEP)
    shop.reverse(undone.order_no)
    assert "这笔订单已经冲正" in client.get(page_of(undone)).text
    assert client.post(page_of(undone), data={"goods": "1", "refund_no": "R-1"}).status_code == 409
    assert client.post(page_of(order), data={"goods": "1", "refund_no": "R-1"}).status_code == 303
    again = client.post(page_of(order), data={"goods": "2", "refund_no": "R-1"})
    assert again.status_code == 409
    assert "这个退款单号已用于另一笔退款" in again.text
    assert hidden(again.text)["refund_no"] != "R-1"
    assert client.get(f"/till/orders/{order.order_no}/refunds/R-2").status_code == 404
    assert client.get(f"/till/orders/{undone.order_no}/refunds/R-1").status_code == 404
    assert refunds(held) == [(100, 70)]
    assert_invariants(held)
