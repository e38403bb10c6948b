"""A real browser at the counter: photo, scanners that type, typed digits, and no scripts at all."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask_openapi3 import OpenAPI
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize, expect

from coupon_service.campaigns.models import Campaign, Stacking
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from coupon_service.vouchers.models import VoucherState
from redemption.models import OrderState
from tests.e2e.test_resident_accessibility import inspect
from tests.factories.phones import Phone, bind, bound_token, holder_of
from tests.factories.redemption import make_voucher, market_with_voucher, shown
from tests.harness.in_process import ORIGIN
from tests.harness.till_page import (
    DESK,
    LISTENS_AFTER_MS,
    NEEDS_READER,
    PHONE,
    TABLET,
    Counter,
    card,
    expect_yes,
    fired,
    held_up,
    press,
    till_in_process,
    to_scan,
    typed,
)
from tests.invariants import assert_invariants

REDEMPTIONS = "**/api/v1/redemptions"

pytestmark = NEEDS_READER


@pytest.fixture
def counter(app: OpenAPI, held: Resources) -> Iterator[Counter]:
    yield Counter(app, held, *market_with_voucher(held))
    assert_invariants(held)


Tills = Callable[..., Page]


@pytest.fixture
def tills(counter: Counter, browser: Browser) -> Iterator[Tills]:
    """Opens the counter, signed in. No script may fail, and nothing comes from elsewhere."""
    faults: list[str] = []
    opened: list[BrowserContext] = []

    def make(*, size: ViewportSize = PHONE, path: str = "/till/", **look: Any) -> Page:
        look = {"locale": "zh-CN", "has_touch": size is not DESK} | look
        context = browser.new_context(base_url=ORIGIN, viewport=size, **look)
        opened.append(context)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        context.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((ORIGIN, "data:", "blob:"))
                else faults.append(request.url)
            ),
        )
        return till_in_process(context, counter, path)

    yield make
    for context in opened:
        context.close()
    assert faults == []


def test_amount_scan_answer_and_the_next_order(tills: Tills, counter: Counter) -> None:
    page = tills(size=PHONE)
    for key in ("8", "0", "5", "删除一位"):
        page.get_by_role("button", name=key, exact=True).tap()
    page.get_by_role("button", name="扫码", exact=True).tap()
    typed(page, counter.shown.typed_code)
    expect_yes(page, "60")
    assert counter.state == VoucherState.REDEEMED
    page.wait_for_timeout(LISTENS_AFTER_MS)
    card(page).get_by_role("heading").tap()
    expect(card(page)).to_be_hidden()
    expect(page.get_by_label("订单金额（元）")).to_have_value("")
    expect(page.locator("[data-recent]").get_by_text("¥60")).to_be_visible()
    expect(page.get_by_text("请填写订单金额")).to_be_hidden()


def test_a_photo_of_the_voucher_is_redeemed_and_one_of_a_table_is_not(
    tills: Tills, counter: Counter, tmp_path: Path
) -> None:
    table, photo = tmp_path / "table.png", tmp_path / "photo.jpg"
    Image.new("L", (640, 480), 128).save(table)
    held_up(counter.shown.token).rotate(7, fillcolor=90).save(photo, quality=80)
    page = tills()
    to_scan(page, "80.00")
    page.locator("input[type=file]").set_input_files(table)
    expect(page.get_by_text("照片里没有找到二维码")).to_be_visible()
    assert counter.orders == {}
    page.locator("input[type=file]").set_input_files(photo)
    expect_yes(page, "60")
    assert counter.state == VoucherState.REDEEMED


@pytest.mark.parametrize("how", ["chinese-input-method", "caps-lock"])
def test_a_scanner_is_heard_while_the_amount_has_the_focus(
    tills: Tills, counter: Counter, how: str
) -> None:
    page = tills(size=DESK)
    page.get_by_label("订单金额（元）").fill("80")
    for _ in range(2):  # a shaky hand
        if how == "caps-lock":
            fired(page, counter.shown.token.lower(), ends="Enter")
        else:
            fired(page, counter.shown.token, ends="Tab", via_input_method=True)
    expect_yes(page, "60")
    assert counter.orders == {OrderState.REDEEMED: 1}


def test_a_code_that_comes_before_its_amount_waits_for_it(tills: Tills, counter: Counter) -> None:
    page = tills(size=DESK)
    fired(page, counter.shown.token)
    expect(page.get_by_text("已扫到消费券，请输入订单金额。")).to_be_visible()
    expect(page.get_by_label("订单金额（元）")).to_have_value("")
    page.keyboard.type("80")
    page.keyboard.press("Enter")
    expect_yes(page, "60")


def test_what_input_methods_make_of_amounts_and_codes_is_read_all_the_same(tills: Tills) -> None:
    page = tills()
    read = page.evaluate(
        """async (at) => {
          const { fenOf, tidyAmount, yuan } = await import(at + "money.js");
          const { codeOf, grouped } = await import(at + "code.js");
          return {
            amounts: ["５８。５", "1,234.50", "007", ".5", "12.345", "8元"].map(tidyAmount),
            fen: ["58.5", "0", "0.01", "", "1e3", "12345678901"].map(fenOf),
            yuan: [1234550, 5000, 1, 0].map(yuan),
            codes: ["１２３４ ５６７８-９０１２", "abcdefgh", "AbCDEFGH", "https://pay.example/x"].map(codeOf),
            grouped: grouped("123456789012"),
          };
        }""",
        "/till/static/modules/",
    )
    assert read == {
        "amounts": ["58.5", "1234.50", "7", "0.5", "12.34", "8"],
        "fen": [5850, None, 1, None, None, None],
        "yuan": ["12,345.50", "50", "0.01", "0"],
        "codes": ["123456789012", "ABCDEFGH", None, None],
        "grouped": "1234 5678 9012",
    }


def test_a_no_says_why_and_what_is_missing_and_changes_nothing(
    tills: Tills, counter: Counter
) -> None:
    page = tills(size=DESK)
    to_scan(page, "49")
    typed(page, counter.shown.typed_code)
    expect(card(page).get_by_text("订单金额没有达到使用门槛。")).to_be_visible()
    expect(card(page).get_by_text("还差 ¥1")).to_be_visible()
    expect(card(page).get_by_text("不用券，顾客应付 ¥49")).to_be_visible()
    assert counter.state == VoucherState.ISSUED
    assert counter.orders == {}
    page.wait_for_timeout(LISTENS_AFTER_MS)
    page.keyboard.press("Enter")
    expect(page.get_by_label("订单金额（元）")).to_have_value("49")
    page.keyboard.type("50")
    page.keyboard.press("Enter")
    fired(page, counter.shown.typed_code)
    expect_yes(page, "30")


def test_a_foreign_code_and_a_wrong_amount_are_not_sent(tills: Tills, counter: Counter) -> None:
    page = tills(size=DESK)
    page.route("**/api/**", lambda route: pytest.fail(route.request.url))
    page.get_by_role("button", name="扫码", exact=True).click()
    expect(page.get_by_text("请填写订单金额")).to_be_visible()
    page.get_by_text("店内折扣、小票订单号").click()
    page.get_by_label("店内折后金额（元）").fill("90")
    page.get_by_label("订单金额（元）").fill("80")
    page.keyboard.press("Enter")
    expect(page.get_by_text("折后金额应大于 0，且不超过订单金额。")).to_be_visible()
    page.get_by_label("店内折后金额（元）").fill("")
    to_scan(page, "80")
    fired(page, "HTTPS://QR.EXAMPLE/0123456789")
    expect(page.get_by_text("这不是消费券的二维码")).to_be_visible()
    assert counter.orders == {}


def test_two_vouchers_pay_one_order_once_the_cashier_has_seen_what_is_left(
    tills: Tills, counter: Counter
) -> None:
    with transaction(counter.held.sessions) as session:
        session.get_one(Campaign, counter.market.campaign.id).stacking = Stacking.ANY
        second = shown(session, make_voucher(session, counter.market.release))
    page = tills(size=DESK)
    to_scan(page, "100")
    typed(page, counter.shown.typed_code, press="先试算")
    expect(card(page).get_by_text("顾客应付 ¥80")).to_be_visible()
    assert counter.orders == {}
    press(page, "再加一张券")
    expect(page.get_by_text("已加 1 张券")).to_be_visible()
    typed(page, second.typed_code)
    expect(card(page).get_by_text("顾客应付 ¥60")).to_be_visible()
    press(page, "确认核销")
    expect_yes(page, "60")
    assert counter.orders == {OrderState.REDEEMED: 1}
    assert counter.state == VoucherState.REDEEMED


def test_a_large_voucher_pays_once_its_phone_has_heard_the_tills_number(
    browser: Browser, settings: Settings, held: Resources
) -> None:
    app = create_app(settings.model_copy(update={"challenge_from_fen": 1}))
    counter = Counter(app, held, *market_with_voucher(held))
    phone = Phone()
    with transaction(held.sessions) as session:
        holder_id = holder_of(session, counter.voucher_id)
    bind(held, holder_id, phone)
    token = bound_token(held, counter.voucher_id, phone)
    page = till_in_process(browser.new_context(base_url=ORIGIN, locale="zh-CN"), counter)
    to_scan(page, "80")
    fired(page, phone.prove(token, datetime.now(UTC)))
    expect(card(page).get_by_role("heading", name="大额券，核对数字")).to_be_visible()
    number = page.locator("[data-slot=challenge]").inner_text()
    assert counter.orders == {}
    fired(page, phone.prove(token, datetime.now(UTC), challenge=number))
    expect_yes(page, "60")
    page.context.close()
    with app.app_context():
        resources().engine.dispose()
    assert_invariants(held)


def test_a_lost_answer_is_asked_for_again_even_after_a_reload(
    tills: Tills, counter: Counter
) -> None:
    page = tills(size=DESK)
    client = counter.app.test_client(use_cookies=False)

    def lose(route: Route) -> None:
        request = route.request
        client.post(request.url, data=request.post_data_buffer, headers=request.all_headers())
        route.abort()

    page.route(REDEMPTIONS, lose)
    to_scan(page, "80")
    typed(page, counter.shown.typed_code)
    expect(card(page).get_by_text("结果还不确定")).to_be_visible()
    page.unroute(REDEMPTIONS)
    page.reload()
    expect_yes(page, "60")
    assert counter.orders == {OrderState.REDEEMED: 1}


def test_an_order_that_was_given_up_is_refused_however_late_it_comes(
    tills: Tills, counter: Counter
) -> None:
    page = tills(size=DESK)
    late: list[bytes | None] = []

    def swallow(route: Route) -> None:
        late.append(route.request.post_data_buffer)
        route.abort()

    page.route(REDEMPTIONS, swallow)
    to_scan(page, "80")
    typed(page, counter.shown.typed_code)
    expect(card(page).get_by_role("button", name="放弃这一单，不用券")).to_be_visible()
    press(page, "放弃这一单，不用券")
    expect(card(page).get_by_text("这一单已放弃，没有用券。")).to_be_visible()
    assert counter.orders == {OrderState.TOMBSTONE: 1}
    answer = counter.app.test_client().post(
        "/api/v1/redemptions",
        data=late[0],
        headers={**counter.market.counter.headers, "Content-Type": "application/json"},
    )
    assert answer.get_json()["slug"] == "order-was-reversed"
    assert counter.state == VoucherState.ISSUED
    page.unroute(REDEMPTIONS)
    page.wait_for_timeout(LISTENS_AFTER_MS)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    fired(page, counter.shown.token)
    expect_yes(page, "60")


def test_typed_digits_are_quoted_redeemed_and_reversed_without_scripts(
    tills: Tills, counter: Counter
) -> None:
    page = tills(java_script_enabled=False)
    expect(page.get_by_role("button", name="打开相机扫码")).to_be_hidden()
    page.get_by_label("订单金额（元）").fill("80")
    page.get_by_label("券码").fill(counter.shown.typed_code)
    page.get_by_role("button", name="先试算").click()
    expect(page.get_by_text("可以用券，待核销")).to_be_visible()
    assert counter.state == VoucherState.ISSUED
    page.get_by_role("button", name="确认核销").click()
    expect(page.get_by_role("heading", name="核销成功")).to_be_visible()
    assert counter.state == VoucherState.REDEEMED
    page.get_by_text("收错了，冲正这一单").click()
    page.get_by_role("button", name="确认冲正").click()
    expect(page.get_by_role("heading", name="已冲正")).to_be_visible()
    assert counter.state == VoucherState.ISSUED


@pytest.mark.parametrize(
    ("size", "language"),
    [(PHONE, "en"), (TABLET, "zh-CN"), (DESK, "zh-CN")],
    ids=["phone-english", "tablet", "desk"],
)
def test_every_step_fits_its_screen_and_meets_wcag(
    tills: Tills, counter: Counter, size: ViewportSize, language: str
) -> None:
    page = tills(size=size, locale=language, path="/till/sign-in")
    inspect(page)
    page.goto("/till/")
    inspect(page)
    page.locator("summary").click()
    page.keyboard.press("Tab")
    page.locator("[data-key=back] ~ button").click()
    expect(page.locator(".field__error")).to_be_visible()
    inspect(page)
    page.locator("#amount").fill("123456.78")
    page.locator("#amount").press("Enter")
    expect(page.locator(".step--scan")).to_be_visible()
    inspect(page)
    for code, kind in (
        ("000000000000", "no"),
        (counter.shown.token, "yes"),
    ):
        fired(page, code)
        expect(page.locator(f".answer--{kind}")).to_be_visible()
        page.wait_for_timeout(LISTENS_AFTER_MS)
        inspect(page)
        page.keyboard.press("Enter")
        expect(card(page)).to_be_hidden()
        page.locator("#amount").fill("200000")
    for path in ("/till/today", "/till/away"):
        page.goto(path)
        inspect(page)
