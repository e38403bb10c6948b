"""The AR scene in a real Chromium: from the lanterns to an award, from the shop to a redemption."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask_openapi3 import OpenAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import select, update

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher
from redemption.ar.models import ArProvider
from tests.e2e.conftest import DESK, PHONE
from tests.factories.ar import Stage, make_shop, make_stage
from tests.harness.browser import NEEDS_CHROMIUM, launch
from tests.harness.in_process import ORIGIN, serve_in_process
from tests.harness.web import resident_cookie
from tests.invariants import assert_invariants

pytestmark = NEEDS_CHROMIUM

# A camera that shows a test picture, asks nobody, and a graphics card that is none.
ARGUMENTS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--enable-unsafe-swiftshader",
)
# Where the lantern straight ahead hangs in a phone's picture, as shares of its size.
AHEAD = (0.43, 0.49)

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright, *ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    stage = make_stage(app, held, name="灯笼寻宝券")
    with transaction(held.sessions) as session:
        session.execute(update(ArProvider).values(is_built_in=True))
        scene = stage.scene
        make_shop(session, scene.small, scene.provider, scene.award)
    return stage


@pytest.fixture
def open_scene(app: OpenAPI, browser: Browser, stage: Stage) -> Iterator[Open]:
    """Opens the scene for its resident. No script on the page may fail."""
    faults: list[str] = []
    contexts = []

    def open_scene(**options: Any) -> Page:
        context = browser.new_context(
            base_url=ORIGIN, locale="zh-CN", reduced_motion="reduce", **options
        )
        contexts.append(context)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        serve_in_process(context, app)
        name, _, value = resident_cookie(app, stage.scene.resident_id).partition("=")
        context.add_cookies([{"name": name, "value": value, "url": ORIGIN}])
        page = context.new_page()
        page.goto(f"/scene/{stage.scene.award.code}")
        return page

    yield open_scene
    for context in contexts:
        context.close()
    assert faults == []


def test_three_lanterns_before_the_camera_win_a_voucher(
    open_scene: Open, held: Resources, stage: Stage
) -> None:
    page = open_scene(viewport=PHONE, has_touch=True, permissions=["camera"])
    page.get_by_role("button", name="打开摄像头，看实景").click()
    page.wait_for_selector("canvas[data-drawn]")
    expect(page.locator("video")).to_be_visible()
    assert page.evaluate("document.querySelector('video').srcObject.active")
    is_accessible(page)
    box = page.locator("canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + AHEAD[0] * box["width"], box["y"] + AHEAD[1] * box["height"])
    expect(page.get_by_role("status").first).to_have_text("已点亮 1 盏")
    for number in (1, 3):
        page.get_by_role("link", name=f"灯笼 {number}").focus()
        page.keyboard.press("Enter")
    result = page.locator("dialog[open] [data-standing=done]")
    expect(result).to_contain_text("赢到一张消费券", timeout=20_000)
    is_accessible(page)
    with transaction(held.sessions) as session:
        assert session.scalars(select(Voucher.resident_id)).all() == [stage.scene.resident_id]
    result.get_by_role("link", name="去使用").click()
    page.wait_for_url("**/vouchers/**")
    assert_invariants(held)


def test_behind_the_drawn_door_a_voucher_pays(
    open_scene: Open, held: Resources, stage: Stage
) -> None:
    stage.win()
    page = open_scene(viewport=DESK)
    page.get_by_role("button", name="不用摄像头，看画好的街景").click()
    page.wait_for_selector("canvas[data-drawn]")
    expect(page.locator("video")).to_be_hidden()
    page.locator("canvas").focus()
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    page.get_by_role("link", name="进店用券：茶铺").click()
    shop = page.locator("dialog[open]")
    order = shop.get_by_role("button", name="下单用券")
    expect(order).to_be_disabled()
    shop.get_by_label("宫灯书签").check()
    expect(shop.get_by_role("status")).to_contain_text("还差 24 元")
    shop.get_by_label("茉莉花茶").check()
    expect(shop.get_by_role("status")).to_have_text("合计 94 元")
    is_accessible(page)
    order.click()
    expect(shop).to_contain_text("券用好了")
    expect(shop).to_contain_text("¥74")
    is_accessible(page)
    assert_invariants(held)


def test_without_a_script_the_lanterns_are_links(open_scene: Open, held: Resources) -> None:
    page = open_scene(viewport=PHONE, java_script_enabled=False)
    for number in (1, 2, 3):
        page.get_by_role("link", name=f"灯笼 {number}").click()
    page.get_by_role("button", name="领取消费券").click()
    page.wait_for_url("**/ar/sessions/**")
    expect(page.get_by_role("heading", name="赢到一张消费券")).to_be_visible()
    assert_invariants(held)


def is_accessible(page: Page) -> None:
    too_wide_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert too_wide_px <= 0, page.url
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
