"""A large voucher at the till: the number goes from the till's screen to the phone, and pays."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO

import pytest
import zxingcpp
from flask_openapi3 import OpenAPI
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.display import LARGE, TEXT_SIZE_COOKIE
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import VoucherState
from redemption.challenge import good_numbers
from redemption.present import At
from tests.e2e.test_resident_accessibility import inspect
from tests.factories.phones import holder_of
from tests.factories.redemption import market_with_voucher
from tests.harness.in_process import ORIGIN, serve_in_process
from tests.harness.till_page import (
    NEEDS_READER,
    PHONE,
    Counter,
    card,
    expect_yes,
    fired,
    press,
    till_in_process,
    to_scan,
)
from tests.harness.web import resident_cookie
from tests.invariants import assert_invariants

ASKED = "收银员给了数字？"
RENEWED = "before => document.querySelector('[data-qr]').innerHTML !== before"

pytestmark = NEEDS_READER


@pytest.fixture
def counter(app: OpenAPI, held: Resources) -> Iterator[Counter]:
    terms = {"face_fen": 20_000, "threshold_fen": 50_000, "name": "家电满500减200"}
    yield Counter(app, held, *market_with_voucher(held, **terms))
    assert_invariants(held)


@pytest.fixture
def open_contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    """A phone and a till. No script on them may fail."""
    faults: list[str] = []
    contexts = [
        browser.new_context(base_url=ORIGIN, viewport=PHONE, locale="zh-CN", device_scale_factor=2)
        for _ in range(2)
    ]
    for context in contexts:
        context.on("weberror", lambda error: faults.append(str(error.error)))
    yield contexts
    for context in contexts:
        context.close()
    assert faults == []


def scanned(page: Page) -> str:
    """What a scanner reads off the screen."""
    shot = Image.open(BytesIO(page.screenshot()))
    (code,) = zxingcpp.read_barcodes(shot, formats=zxingcpp.BarcodeFormat.QRCode)
    return code.text


def type_number(phone: Page, number: str) -> None:
    """The number as it is typed; the code is drawn anew at the last digit."""
    drawn = phone.locator("[data-qr]").inner_html()
    phone.get_by_label("输入收银员报的 4 位数字").press_sequentially(number)
    phone.wait_for_function(RENEWED, arg=drawn)


def wrong_number(till: Page, counter: Counter) -> str:
    order_no = till.locator("[name=order_no]").input_value()
    with transaction(counter.held.sessions) as session:
        now = db_now(session)
    at = At(till_id=counter.market.counter.till.id)
    good = good_numbers(at, order_no, counter.voucher_id, now)
    # Of the steps to come, too: one may begin before this is sent.
    good += good_numbers(at, order_no, counter.voucher_id, now + timedelta(minutes=1))
    return next(f"{number:04d}" for number in range(10) if number not in good)


def test_the_number_goes_from_the_till_to_the_phone_and_the_new_code_pays(
    counter: Counter, open_contexts: list[BrowserContext]
) -> None:
    phones, tills = open_contexts
    with transaction(counter.held.sessions) as session:
        holder_id = holder_of(session, counter.voucher_id)
    serve_in_process(phones, counter.app)
    name, _, value = resident_cookie(counter.app, holder_id).partition("=")
    phones.add_cookies([{"name": name, "value": value, "url": ORIGIN}])
    phones.add_cookies([{"name": TEXT_SIZE_COOKIE, "value": LARGE, "url": ORIGIN}])
    phone = phones.new_page()
    phone.goto(f"/vouchers/{counter.voucher_id}")
    expect(phone.locator("[data-standing=proving]")).to_be_visible()

    till = till_in_process(tills, counter)
    to_scan(till, "600")
    fired(till, scanned(phone))
    number = card(till).locator("[data-slot=challenge]").inner_text()
    assert len(number) == 4
    expect(card(till)).to_contain_text("请顾客输入这 4 位数字后再扫。")
    inspect(till)

    # From here on the phone has no network.
    phone.route("**/api/**", lambda route: route.abort())
    phone.get_by_text(ASKED).click()
    inspect(phone)
    type_number(phone, wrong_number(till, counter))
    press(till, "已输入，再扫一次")
    fired(till, scanned(phone))
    expect(card(till)).to_contain_text("数字不对或已过时")
    assert counter.state == VoucherState.ISSUED

    phone.get_by_role("button", name="重新输入").click()
    type_number(phone, card(till).locator("[data-slot=challenge]").inner_text())
    expect(phone.locator("[data-said]")).to_contain_text("请收银员再扫一次")
    expect(phone.get_by_text(ASKED)).to_be_hidden()
    press(till, "已输入，再扫一次")
    fired(till, scanned(phone))
    expect_yes(till, "400")
    assert counter.state == VoucherState.REDEEMED
