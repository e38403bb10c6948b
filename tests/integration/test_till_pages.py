"""The pages of a till, as a browser without JavaScript uses them."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from coupon_service.vouchers.models import Voucher, VoucherState
from merchants.onboard import set_till_active
from redemption.models import Order, Redemption
from tests.factories.redemption import Counter, make_counter, market_with_voucher
from tests.invariants import assert_invariants


def sign_in(client: FlaskClient, counter: Counter) -> TestResponse:
    return client.post("/till/sign-in", data={"key": counter.key})


def order(voucher_code: str, **fields: str) -> dict[str, str]:
    blank = {"amount": "80", "after_discount": "", "order_no": "A-1", "code": voucher_code}
    return blank | fields


def test_a_visitor_is_led_to_the_sign_in_page_and_back(
    client: FlaskClient, held: Resources
) -> None:
    market, _, _ = market_with_voucher(held)
    led = client.get("/till/today", headers={"Accept": "text/html"})
    assert led.status_code == 303
    where = led.headers["Location"]
    assert where.startswith("/till/sign-in?")
    back = client.post(where, data={"key": f"  {market.counter.key}\n"})
    assert (back.status_code, back.headers["Location"]) == (303, "/till/today")
    assert market.counter.store.name in client.get("/till/").text


@pytest.mark.parametrize("key", ["", "till_", "x" * 10_000, "till_" + "0" * 32 + "." + "A" * 43])
def test_a_wrong_key_signs_nobody_in(client: FlaskClient, held: Resources, key: str) -> None:
    answer = client.post("/till/sign-in", data={"key": key})
    assert answer.status_code == 401
    assert "密钥不对" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_signing_in_does_not_lead_to_another_site(client: FlaskClient, held: Resources) -> None:
    market, _, _ = market_with_voucher(held)
    answer = client.post(
        "/till/sign-in?next=https://evil.example/", data={"key": market.counter.key}
    )
    assert answer.headers["Location"] == "/till/"


def test_signing_out_ends_the_session(client: FlaskClient, held: Resources) -> None:
    market, _, _ = market_with_voucher(held)
    sign_in(client, market.counter)
    assert client.post("/till/sign-out").status_code == 303
    assert client.get("/till/", headers={"Accept": "text/html"}).status_code == 303


def test_a_typed_code_is_redeemed_and_its_page_survives_a_reload(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    sign_in(client, market.counter)
    answer = client.post("/till/redeem", data=order(code.typed_code))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/till/orders/A-1")
    for _ in range(2):
        page = client.get("/till/orders/A-1")
        assert "核销成功" in page.text
        assert re.search(r"顾客应付.*60", page.text)
    assert_invariants(held)


def test_sending_the_form_twice_takes_the_voucher_once_and_says_so(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    sign_in(client, market.counter)
    client.post("/till/redeem", data=order(code.typed_code))
    again = client.post("/till/redeem", data=order(code.typed_code), follow_redirects=True)
    assert "没有重复扣券" in again.text
    assert_invariants(held)


def test_a_refusal_says_why_in_one_sentence_with_its_reason_and_keeps_the_amount(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    sign_in(client, market.counter)
    page = client.post("/till/redeem", data=order(code.typed_code, amount="49.50"))
    assert page.status_code == 409
    assert "不能用券" in page.text
    assert "订单金额没有达到使用门槛。" in page.text
    assert "below-threshold" in page.text
    assert "满 50 元可用" in page.text
    assert 'value="49.50"' in page.text
    assert 'value="A-1"' in page.text
    assert code.typed_code not in page.text
    with transaction(held.sessions) as session:
        assert session.get_one(Voucher, voucher_id).state == VoucherState.ISSUED
        assert session.execute(select(func.count(Redemption.id))).scalar_one() == 0


def test_each_wrong_field_gets_its_own_sentence_and_nothing_is_redeemed(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    sign_in(client, market.counter)
    for fields, sentence in (
        ({"amount": "一百"}, "请填写订单金额"),
        ({"after_discount": "81"}, "折后金额应大于 0"),
        ({"after_discount": "x"}, "折后金额应大于 0"),
        ({"order_no": "=1+1"}, "订单号请用字母"),
        ({"code": ""}, "请扫码，或输入 12 位券码"),
    ):
        page = client.post("/till/redeem", data=order(code.typed_code, **fields))
        assert page.status_code == 400
        assert sentence in page.text
    assert client.post("/till/redeem", data={}).status_code == 400
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Redemption.id))).scalar_one() == 0


def test_what_was_typed_is_shown_as_text_and_never_as_markup(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    sign_in(client, market.counter)
    page = client.post(
        "/till/redeem", data=order(code.typed_code, amount='"><script>alert(1)</script>')
    )
    assert "<script>alert" not in page.text


def test_trying_first_shows_the_price_and_redeems_nothing(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    sign_in(client, market.counter)
    page = client.post("/till/quote", data=order(code.typed_code, after_discount="70"))
    assert page.status_code == 200
    assert "可以用券" in page.text
    assert re.search(r"顾客应付.*50", page.text)
    assert f'value="{code.typed_code}"' in page.text
    with transaction(held.sessions) as session:
        assert session.get_one(Voucher, voucher_id).state == VoucherState.ISSUED


def test_when_the_database_does_not_answer_the_page_guesses_nothing_and_asks_again(
    held: Resources, settings: Settings
) -> None:
    market, voucher_id, code = market_with_voucher(held)
    impatient = create_app(settings.model_copy(update={"db_timeout_s": 0.2}))
    client = impatient.test_client()
    sign_in(client, market.counter)
    with transaction(held.sessions) as session:
        session.execute(select(Voucher).where(Voucher.id == voucher_id).with_for_update())
        page = client.post("/till/redeem", data=order(code.typed_code))
    assert page.status_code == 503
    assert "结果还不确定" in page.text
    assert "verdict--no" not in page.text
    assert f'value="{code.typed_code}"' in page.text
    assert 'value="A-1"' in page.text
    assert client.post("/till/redeem", data=order(code.typed_code)).status_code == 303
    with impatient.app_context():
        resources().engine.dispose()
    assert_invariants(held)


def test_an_order_of_today_is_reversed_from_its_page(client: FlaskClient, held: Resources) -> None:
    market, voucher_id, code = market_with_voucher(held)
    sign_in(client, market.counter)
    client.post("/till/redeem", data=order(code.typed_code))
    assert "确认冲正" in client.get("/till/orders/A-1").text
    page = client.post("/till/orders/A-1/reversal", follow_redirects=True)
    assert "已冲正" in page.text
    assert "确认冲正" not in page.text
    with transaction(held.sessions) as session:
        assert session.get_one(Voucher, voucher_id).state == VoucherState.ISSUED
    assert_invariants(held)


def test_an_order_of_yesterday_offers_no_reversal_and_refuses_one(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    sign_in(client, market.counter)
    client.post("/till/redeem", data=order(code.typed_code))
    with transaction(held.sessions) as session:
        yesterday = {"redeemed_at": db_now(session) - timedelta(days=1)}
        session.execute(update(Order).values(yesterday))
        session.execute(update(Redemption).values(yesterday))
    assert "确认冲正" not in client.get("/till/orders/A-1").text
    page = client.post("/till/orders/A-1/reversal")
    assert page.status_code == 409
    assert "只能冲正当天的订单" in page.text
    assert_invariants(held)


def test_the_page_leaves_no_tombstone_for_an_unknown_order(
    client: FlaskClient, held: Resources
) -> None:
    market, _, _ = market_with_voucher(held)
    sign_in(client, market.counter)
    for order_no in ("A-9", "%00", "%F0%9F%A7%A7", "=1+1", "x" * 2_000):
        assert client.get(f"/till/orders/{order_no}").status_code == 404
        assert client.post(f"/till/orders/{order_no}/reversal").status_code == 404
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Redemption.id))).scalar_one() == 0


def test_todays_page_lists_this_tills_orders_and_adds_up_the_live_ones(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        stranger = make_counter(session, market.small.district)
    sign_in(client, market.counter)
    client.post("/till/redeem", data=order(code.typed_code, order_no="A-1"))
    client.post("/till/orders/A-1/reversal")
    client.post("/till/redeem", data=order(code.typed_code, order_no="A-2"))
    page = client.get("/till/today").text
    assert "A-1" in page
    assert "A-2" in page
    assert re.search(r"消费券抵扣</span><span[^>]*>20<", page)
    sign_in(client, stranger)
    assert "A-2" not in client.get("/till/today").text
    assert client.get("/till/orders/A-2").status_code == 404


def test_a_till_that_was_switched_off_is_told_so(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    sign_in(client, market.counter)
    with transaction(held.sessions) as session:
        set_till_active(session, market.counter.till.id, is_active=False)
    for answer in (
        client.get("/till/", headers={"Accept": "text/html"}),
        client.post("/till/redeem", data=order(code.typed_code), headers={"Accept": "text/html"}),
    ):
        assert answer.status_code == 403
        assert "本收银台已停用" in answer.text


def test_another_site_cannot_send_the_form(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    sign_in(client, market.counter)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = client.post("/till/redeem", data=order(code.typed_code), headers=headers)
        assert answer.status_code == 403
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Redemption.id))).scalar_one() == 0


def test_the_pages_allow_the_camera_and_no_foreign_script(
    client: FlaskClient, held: Resources
) -> None:
    market, _, _ = market_with_voucher(held)
    sign_in(client, market.counter)
    page = client.get("/till/")
    assert "camera=(self)" in page.headers["Permissions-Policy"]
    policy = page.headers["Content-Security-Policy"]
    assert "'wasm-unsafe-eval'" in policy
    assert "unsafe-inline" not in policy
    assert not re.search(r"\sstyle=|<script(?![^>]*\ssrc=)", page.text)


def test_the_pages_speak_english_to_who_prefers_it(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    sign_in(client, market.counter)
    headers = {"Accept-Language": "en", "Accept": "text/html"}
    client.post("/till/redeem", data=order(code.typed_code))
    for path in ("/till/", "/till/orders/A-1", "/till/today", "/till/sign-in"):
        page = client.get(path, headers=headers).text
        content = re.sub(r"<[^>]+>", " ", page[page.index("<main") :])
        names = (market.counter.till.name, market.counter.store.name)
        for name in names:
            content = content.replace(name, "")
        assert not re.search(r"[\u4e00-\u9fff]", content), path
