"""Draws the pages at two widths into docs/screens: `make screens`. Needs Chromium.

Starts a whole service of its own with the demo season, signs in as each of the demo's people, and
walks through the pages the way they would.
"""

import re
import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from coupon_service.core.auth import Kind
from coupon_service.core.settings import load_settings
from coupon_service.simulation.demo.sign_ins import SignIn, describe
from tests.harness.browser import CHROMIUM, launch
from tests.harness.whole import COMMAND, whole_service

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
COLOURS = 128
WIDTHS = {"phone": (360, 780), "desk": (1280, 800)}
# Two people, because a one-time code is good once.
READERS = {"phone": Kind.AUDITOR, "desk": Kind.ADMINISTRATOR}


def main() -> None:
    if CHROMIUM is None:
        sys.exit("No Chromium is installed.")
    SCREENS.mkdir(parents=True, exist_ok=True)
    people = {one.role: one for one in reversed(describe(load_settings()))}
    with whole_service() as environment, sync_playwright() as playwright:
        url = f"http://127.0.0.1:{environment['COUPON_PORT']}"
        # Claims, redemptions and a settlement, or the office would have nothing to show.
        subprocess.run([*COMMAND, "walk"], env=environment, check=True, stdout=subprocess.DEVNULL)
        browser = launch(playwright)
        for width, size in WIDTHS.items():
            resident(page_of(browser, url, size), people[Kind.RESIDENT], width)
            till(page_of(browser, url, size), people[Kind.TILL], width)
            office(page_of(browser, url, size), people[READERS[width]], width)
        browser.close()


def resident(page: Page, person: SignIn, width: str) -> None:
    page.goto("/")
    draw(page, "home", width)
    page.goto("/stores")
    draw(page, "stores", width)
    page.goto("/sign-in")
    page.get_by_label("手机号").fill(person.name)
    page.get_by_role("button", name="获取验证码").click()
    code = re.search(r"\b\d{6}\b", page.inner_text("main"))
    assert code is not None, "the sign-in page shows no code"
    page.get_by_label("验证码").fill(code[0])
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(lambda address: "/sign-in" not in address)
    page.goto("/?board=all")
    page.locator("form[data-claim]").first.locator("xpath=ancestor::article//a").first.click()
    page.wait_for_url("**/campaigns/**")
    draw(page, "campaign", width)
    page.get_by_role("button", name="立即领取").click()
    page.wait_for_url("**/vouchers/**")
    draw(page, "claimed", width)
    voucher = urlsplit(page.url).path
    page.goto("/wallet")
    draw(page, "wallet", width)
    page.goto(voucher)
    draw(page, "voucher", width)
    page.goto("/")
    page.get_by_role("button", name="大字版").click()
    page.wait_for_selector("html.large")
    draw(page, "home-large", width)
    page.goto(voucher)
    draw(page, "voucher-large", width)


def till(page: Page, person: SignIn, width: str) -> None:
    page.goto("/till/sign-in")
    page.fill("[name=key]", person.secret)
    page.click("main button[type=submit]")
    draw(page, "till", width)


def office(page: Page, person: SignIn, width: str) -> None:
    page.goto("/admin/sign-in")
    page.fill("[name=username]", person.name)
    page.fill("[name=password]", person.secret)
    page.fill("[name=code]", person.one_time_code(datetime.now(UTC)))
    page.click("main button[type=submit]")
    page.goto("/admin/")
    draw(page, "office", width)


def draw(page: Page, name: str, width: str) -> None:
    page.wait_for_load_state("networkidle")
    path = SCREENS / f"{name}-{width}.png"
    drawn = Image.open(BytesIO(page.screenshot()))
    # These pages have few colours; a palette of them is a fifth of the bytes.
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path.relative_to(SCREENS.parents[1]))


def page_of(browser: Browser, url: str, size: tuple[int, int]) -> Page:
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(
        base_url=url,
        viewport=viewport,  # type: ignore[arg-type]  # a ViewportSize is a dict
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    return context.new_page()


if __name__ == "__main__":
    main()
