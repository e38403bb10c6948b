"""A till from its pairing to the end of a shift, as a cashier with a phone has it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask_openapi3 import OpenAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.issuance.codes.code_text import shown
from merchants.tills.pair import make_pairing
from redemption.present import At
from tests.e2e.conftest import PHONE
from tests.factories.redemption import Market, make_market, make_voucher, redeemed
from tests.factories.tills import PIN, make_clerk, owner_of
from tests.harness.browser import NEEDS_CHROMIUM
from tests.harness.in_process import ORIGIN, serve_in_process
from tests.invariants import assert_invariants

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
def market(held: Resources) -> Iterator[Market]:
    with transaction(held.sessions) as session:
        made = make_market(session)
    yield made
    assert_invariants(held)


@pytest.fixture
def phone(app: OpenAPI, browser: Browser) -> Iterator[BrowserContext]:
    """A phone that talks to the application in this process. No script on it may fail."""
    faults: list[str] = []
    # A card that is still fading in has less contrast than it will have.
    context = browser.new_context(
        base_url=ORIGIN, viewport=PHONE, locale="zh-CN", reduced_motion="reduce"
    )
    context.on("weberror", lambda error: faults.append(str(error.error)))
    serve_in_process(context, app)
    yield context
    context.close()
    assert faults == []


def assert_good(page: Page) -> None:
    """It fits the screen, and axe finds nothing."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("innerWidth"), page.url
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


def test_from_pairing_to_the_end_of_a_shift(
    held: Resources, market: Market, phone: BrowserContext
) -> None:
    till_id = market.counter.till.id
    make_clerk(held, market.counter)
    make_clerk(held, market.counter, "李小梅", "90210")
    with transaction(held.sessions) as session:
        now = db_now(session)
        code = make_pairing(session, held.vault, till_id, made_by=uuid4(), now=now)
    page = phone.new_page()
    page.goto(f"/till/pair?code={shown(code)}")
    assert_good(page)
    page.get_by_role("button", name="配对").click()
    expect(page.get_by_role("heading", name="您是哪位？")).to_be_visible()
    assert_good(page)
    page.get_by_role("radio", name="小王").check()
    page.get_by_label("密码").fill(PIN)
    page.keyboard.press("Enter")
    expect(page.locator(".clerk-chip")).to_have_text("小王")
    page.goto("/till/shift")
    page.get_by_role("button", name="开班").click()
    expect(page.get_by_role("heading", name="本班")).to_be_visible()
    with transaction(held.sessions) as session:
        voucher_id = make_voucher(session, market.release)
        redeemed(session, voucher_id, At(till_id=till_id), order_no="A-1")
    page.goto("/till/shift")
    assert_good(page)
    page.locator("summary").click()
    page.get_by_role("button", name="确认结班").click()
    expect(page.get_by_role("heading", name="结班单")).to_be_visible()
    expect(page.get_by_role("button", name="打印")).to_be_visible()
    for path in (page.url, "/till/today", "/till/orders/A-1", "/till/orders/A-1/receipt"):
        page.goto(path)
        assert_good(page)
    page.locator(".clerk-chip").click()
    expect(page.get_by_role("heading", name="您是哪位？")).to_be_visible()


def test_practice_looks_like_the_counter_and_says_that_it_is_none(
    held: Resources, market: Market, phone: BrowserContext
) -> None:
    page = phone.new_page()
    page.goto("/till/sign-in?next=/till/practice")
    page.get_by_label("收银台密钥").fill(market.counter.key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="学着收一单")).to_be_visible()
    assert_good(page)
    answer = page.get_by_role("dialog")
    page.get_by_label("订单金额（元）").fill("80")
    page.get_by_role("button", name="可以用的券").click()
    expect(answer).to_contain_text("核销成功")
    expect(answer).to_contain_text("练习模式")
    expect(answer).to_contain_text("¥60")
    page.wait_for_timeout(450)  # the card is deaf for a moment
    page.get_by_role("button", name="下一单").click()
    page.get_by_label("订单金额（元）").fill("30")
    page.keyboard.type("PRACTICEGOOD\n", delay=4)  # a scanner that types
    expect(answer).to_contain_text("还差")
    assert_good(page)


def test_the_owners_pages_of_tills_and_clerks(
    held: Resources, app: OpenAPI, market: Market, phone: BrowserContext
) -> None:
    make_clerk(held, market.counter)
    client = owner_of(app, held, market.counter)
    cookie = client.get_cookie("coupon_merchant")
    assert cookie is not None
    phone.add_cookies([{"name": cookie.key, "value": cookie.value, "url": ORIGIN}])
    page = phone.new_page()
    page.goto("/merchant/tills")
    assert_good(page)
    page.get_by_role("link", name="店员").click()
    page.locator("summary").click()
    assert_good(page)
    page.goto(f"/merchant/tills/{market.counter.till.id}")
    page.get_by_role("button", name="生成配对码").click()
    expect(page.get_by_role("img", name="配对二维码")).to_be_visible()
    assert_good(page)
