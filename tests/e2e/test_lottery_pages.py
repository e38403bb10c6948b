"""A lottery in a real browser: enter without scripts, then let the phone check the proof."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask_openapi3 import OpenAPI
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from sqlalchemy import update

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.issuance.lottery.enter import enter
from coupon_service.issuance.lottery.models import LotteryDraw
from tests.factories.campaigns import make_season
from tests.factories.lottery import (
    close_now,
    draw_now,
    enter_many,
    entries_by_rank,
    finish,
    make_lottery,
)
from tests.factories.people import make_resident
from tests.harness.browser import NEEDS_CHROMIUM, launch
from tests.harness.web import resident_cookie, web_server
from tests.invariants import assert_invariants

PHONE: ViewportSize = {"width": 360, "height": 780}
DESK: ViewportSize = {"width": 1280, "height": 800}
LONG_NAME = "老字号糕点铺与非遗手工坊联合满额立减消费券（冬至节令特别加发场·限西城区参与门店）"

pytestmark = NEEDS_CHROMIUM


@dataclass(frozen=True)
class Fair:
    """A running service with a lottery that takes entries."""

    url: str
    release_id: UUID

    @property
    def page(self) -> str:
        return f"{self.url}/draws/{self.release_id}"


@pytest.fixture
def fair(settings: Settings, held: Resources) -> Iterator[Fair]:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, season=make_season(session), quantity=20, name=LONG_NAME)
        enter_many(session, release_id, 60)
    with web_server(settings, web_workers=1) as url:
        yield Fair(url, release_id)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


def open_as(
    browser: Browser, app: OpenAPI, fair: Fair, resident_id: UUID, *, javascript: bool = True
) -> Page:
    context = browser.new_context(viewport=PHONE, locale="zh-CN", java_script_enabled=javascript)
    name, _, value = resident_cookie(app, resident_id).partition("=")
    context.add_cookies([{"name": name, "value": value, "url": fair.url}])
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(fair.page)
    return page


def assert_fits(page: Page) -> None:
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        wider_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider_px <= 0, f"{wider_px} px too wide"
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size(PHONE)


def test_a_phone_enters_without_scripts_and_checks_its_proof_with_them(
    browser: Browser, app: OpenAPI, held: Resources, fair: Fair
) -> None:
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
    plain = open_as(browser, app, fair, resident_id, javascript=False)
    plain.get_by_role("button", name="报名抽签").click()
    expect(plain.get_by_text("您已报名")).to_be_visible()
    assert close_now(held, fair.release_id) == "closed"

    page = open_as(browser, app, fair, resident_id)
    assert_fits(page)
    page.get_by_role("button", name="现在检查").click()
    expect(page.get_by_text("您的报名在封签名单里")).to_be_visible()

    draw_now(held, fair.release_id)
    finish(held, fair.release_id)
    page.reload()
    page.get_by_role("button", name="现在检查").click()
    expect(page.locator(".checks p")).to_have_count(2)
    expect(page.locator(".checks p").nth(1)).to_contain_text("确实")
    assert_fits(page)
    assert_invariants(held)


def test_the_phone_itself_notices_that_something_was_exchanged(
    browser: Browser, app: OpenAPI, held: Resources, fair: Fair
) -> None:
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
        enter(session, fair.release_id, resident_id)
    close_now(held, fair.release_id)
    draw_now(held, fair.release_id)
    finish(held, fair.release_id)
    with transaction(held.sessions) as session:
        winner = entries_by_rank(session, fair.release_id)[0].resident_id
        session.execute(update(LotteryDraw).values(merkle_root=b"\x01" * 32, seed=b"\x02" * 32))
    page = open_as(browser, app, fair, winner)
    page.get_by_role("button", name="现在检查").click()
    expect(page.get_by_text("与封签指纹对不上")).to_be_visible()
