"""Draws the AR scene, from the street to a used voucher. Run by `tests.e2e.screenshots`."""

import random

from playwright.sync_api import Browser, expect

from coupon_service.simulation.walk.people import sign_in_somebody
from coupon_service.simulation.walk.visitor import Visitor
from tests.harness.screens import draw, page_of

STREET = "/scene/dashilan-lantern-east"
# The street is drawn without a graphics card.
DRAWN_MS = 30_000


def scene(browser: Browser, url: str, width: str) -> None:
    visitor = Visitor(url)
    sign_in_somebody(visitor, random.SystemRandom())
    page = page_of(browser, url, width, visitor)
    page.set_default_timeout(DRAWN_MS)
    page.goto("/scenes")
    draw(page, "scenes", width)
    page.goto(STREET)
    draw(page, "scene-enter", width)
    page.get_by_role("button", name="不用摄像头，看画好的街景").click()
    page.wait_for_selector("canvas[data-drawn]")
    draw(page, "scene", width)
    for number in (1, 2, 3):
        page.get_by_role("link", name=f"灯笼 {number}").click()
    draw(page, "scene-lit", width)
    sheet = page.locator("dialog[open]")
    expect(sheet).to_contain_text("赢到一张消费券", timeout=DRAWN_MS)
    draw(page, "scene-won", width)
    page.get_by_role("button", name="关闭").click()
    page.get_by_role("link", name="进店用券").click()
    expect(sheet.get_by_role("button", name="下单用券")).to_be_disabled()
    sheet.get_by_label("手工布鞋一双").check()
    draw(page, "scene-shop", width)
    sheet.get_by_role("button", name="下单用券").click()
    expect(sheet).to_contain_text("券用好了", timeout=DRAWN_MS)
    draw(page, "scene-used", width)
    page.context.close()
