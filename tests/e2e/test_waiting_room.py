"""A real browser in the waiting room, and with the notices: the turn comes without a touch."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask_openapi3 import OpenAPI
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.issuance.gate import gate
from coupon_service.issuance.reconcile import warm
from coupon_service.issuance.waiting_room.facts import room_facts
from coupon_service.issuance.waiting_room.room import Wish, rooms
from coupon_service.notices.notify import NoticeKind, notify
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.harness.browser import NEEDS_CHROMIUM, launch
from tests.harness.in_process import ORIGIN, serve_in_process
from tests.harness.web import resident_cookie

pytestmark = NEEDS_CHROMIUM
PHONE: ViewportSize = {"width": 360, "height": 780}
OPENS_IN = timedelta(seconds=4)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A slow door, so that there is a queue to be seen."""
    return settings.model_copy(update={"redis_timeout_s": 5.0, "waiting_room_per_s": 5})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def resident_id(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return make_resident(session)


@pytest.fixture
def page(app: OpenAPI, browser: Browser, resident_id: UUID) -> Iterator[Page]:
    """The resident's phone. No script on it may fail."""
    faults: list[str] = []
    context = browser.new_context(base_url=ORIGIN, viewport=PHONE, locale="zh-CN")
    context.on("weberror", lambda error: faults.append(str(error.error)))
    serve_in_process(context, app)
    name, _, value = resident_cookie(app, resident_id).partition("=")
    context.add_cookies([{"name": name, "value": value, "url": ORIGIN}])
    yield context.new_page()
    context.close()
    assert faults == []


def test_the_turn_comes_without_a_touch(page: Page, held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        release = make_release(session, campaign, quantity=100, opens_in=OPENS_IN)
        release.waiting_room = True
        session.flush()
        warm(session, gate(), release.id)
    facts = room_facts(release.id)
    assert facts is not None
    for _ in range(30):
        rooms().place(facts, new_id(), Wish.ENTER, facts.opens_ms - 1)
    page.goto(f"/waiting-room/{release.id}")
    expect(page.locator("[data-people]")).to_have_text("31")
    is_accessible(page)
    page.wait_for_selector("text=轮到您了", timeout=30_000)
    expect(page).to_have_title("轮到您了 · 满50减20")
    assert page.locator("input[name=ticket]").get_attribute("value")
    expect(page.get_by_role("button", name="立即领取")).to_be_enabled()
    is_accessible(page)


def test_notices_and_choices_are_accessible_on_a_phone(
    page: Page, held: Resources, resident_id: UUID
) -> None:
    page.goto("/notices")
    expect(page.get_by_role("heading", name="还没有通知")).to_be_visible()
    with transaction(held.sessions) as session:
        notify(
            session,
            resident_id,
            NoticeKind.GRANTED,
            voucher_id=new_id(),
            campaign="老字号糕点铺与非遗手工坊联合满额立减消费券（冬至节令特别加发场）",
        )
        notify(session, resident_id, NoticeKind.PROXY_ASKED)
    page.goto("/notices")
    expect(page.get_by_text("2 条新通知")).to_be_visible()
    is_accessible(page)
    page.get_by_role("link", name="提醒方式").click()
    page.get_by_role("group", name="到账").get_by_label("短信").check()
    is_accessible(page)
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status")).to_have_text("已保存。")
    expect(page.get_by_role("group", name="到账").get_by_label("短信")).to_be_checked()
    expect(page.get_by_role("group", name="家人和安全").get_by_label("短信")).to_be_disabled()


def is_accessible(page: Page) -> None:
    too_wide_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert too_wide_px <= 0, page.url
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
