"""The till's pages in a browser: signing in, and a cashier's hands."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from flask import Response
from flask_openapi3 import OpenAPI
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize, expect
from sqlalchemy import func, select

from coupon_service.core.auth import Kind, Principal, write_cookie
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.qr import qr_png
from coupon_service.vouchers.show import Shown
from redemption.models import Order
from tests.factories.redemption import Market
from tests.harness.browser import NEEDS_CHROMIUM
from tests.harness.in_process import ORIGIN, serve_in_process

_ZXING = Path("coupon_service/core/static/vendor/zxing-wasm/reader/zxing_reader.wasm")
NEEDS_READER = [
    *NEEDS_CHROMIUM,
    pytest.mark.skipif(not _ZXING.exists(), reason="page libraries are missing: run `make env`"),
]
PHONE: ViewportSize = {"width": 360, "height": 780}
TABLET: ViewportSize = {"width": 768, "height": 1024}
DESK: ViewportSize = {"width": 1280, "height": 800}
# From when on a card listens: a finger that was on its way means nothing.
LISTENS_AFTER_MS = 450


@dataclass(frozen=True)
class Counter:
    """A counter, and a voucher (50 - 20) to be presented at it."""

    app: OpenAPI
    held: Resources
    market: Market
    voucher_id: UUID
    shown: Shown

    @property
    def state(self) -> str:
        with transaction(self.held.sessions) as session:
            return session.get_one(Voucher, self.voucher_id).state

    @property
    def orders(self) -> dict[str, int]:
        """How many orders of each state there are."""
        with transaction(self.held.sessions) as session:
            rows = session.execute(select(Order.state, func.count()).group_by(Order.state))
            return dict(rows.all())


def till_in_process(context: BrowserContext, counter: Counter, path: str = "/till/") -> Page:
    """A page of the till, signed in, answered by the application in this process."""
    serve_in_process(context, counter.app)
    name, _, value = till_cookie(counter).partition("=")
    context.add_cookies([{"name": name, "value": value, "url": ORIGIN}])
    page = context.new_page()
    page.goto(path)
    return page


def till_cookie(counter: Counter) -> str:
    at = counter.market.counter
    response = Response()
    who = Principal(
        Kind.TILL,
        at.till.id,
        district_id=at.merchant.district_id,
        merchant_id=at.merchant.id,
    )
    with counter.app.test_request_context():
        write_cookie(response, who, new_id())
    return response.headers["Set-Cookie"].partition(";")[0]


def held_up(token: str) -> Image.Image:
    """The voucher as a camera sees it: its drawn QR code on a phone held up at the counter."""
    code = Image.open(BytesIO(qr_png(token))).convert("L").resize((420, 420))
    picture = Image.new("L", (640, 480), 90)
    picture.paste(code, (110, 30))
    return picture


def to_scan(page: Page, amount: str) -> None:
    page.get_by_label("订单金额（元）").fill(amount)
    page.get_by_role("button", name="扫码", exact=True).click()
    expect(page.locator(".step--scan")).to_be_visible()


def typed(page: Page, code: str, *, press: str = "核销") -> None:
    """By hand; on a touch screen the field is shown when it is asked for."""
    ask = page.get_by_role("button", name="输入券码")
    if ask.is_visible():
        ask.click()
    page.get_by_label("券码", exact=True).fill(code)
    page.get_by_role("button", name=press, exact=True).click()


def fired(page: Page, code: str, *, ends: str = "Enter", via_input_method: bool = False) -> None:
    """A scanner types: events without a pause, as the browser gives them to a page."""
    page.evaluate(
        """([letters, ends, composing]) => {
          const press = (init) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init }));
          for (const one of letters) press(composing
            ? { key: "Process", code: (/\\d/.test(one) ? "Digit" : "Key") + one, isComposing: true }
            : { key: one });
          press({ key: ends });
        }""",
        [code, ends, via_input_method],
    )


def card(page: Page) -> Locator:
    return page.get_by_role("dialog")


def press(page: Page, name: str) -> None:
    """A button of the card, once it listens: a finger that was on its way means nothing."""
    page.wait_for_timeout(LISTENS_AFTER_MS)
    card(page).get_by_role("button", name=name).click()


def expect_yes(page: Page, pays: str) -> None:
    expect(card(page).get_by_role("heading", name="核销成功")).to_be_visible()
    expect(card(page).get_by_text(f"顾客应付 ¥{pays}")).to_be_visible()
