"""Draws the pages at two widths into docs/screens: `make screens`. Needs Chromium.

Starts a whole service of its own with the demo season, signs in as each of the demo's people, and
walks through the pages the way they would.
"""

import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image, ImageFilter
from playwright.sync_api import Browser, Page, sync_playwright

from coupon_service.core.auth import Kind
from coupon_service.core.settings import load_settings
from coupon_service.simulation.demo.sign_ins import SignIn, describe
from tests.e2e import screenshots_scene, screenshots_till
from tests.harness.browser import CHROMIUM, launch
from tests.harness.screens import SCREENS, WIDTHS, draw, film, page_of
from tests.harness.whole import COMMAND, whole_service

LARGE = "绿色家电焕新券"
# Two people, because a one-time code is good once.
READERS = {"phone": Kind.AUDITOR, "desk": Kind.ADMINISTRATOR}


def main() -> None:
    if CHROMIUM is None:
        sys.exit("No Chromium is installed.")
    SCREENS.mkdir(parents=True, exist_ok=True)
    settings = load_settings()
    people = {one.role: one for one in reversed(describe(settings))}
    with (
        whole_service() as environment,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        url = f"http://127.0.0.1:{environment['COUPON_PORT']}"
        # Claims, redemptions and a settlement, or the office would have nothing to show.
        subprocess.run([*COMMAND, "walk"], env=environment, check=True, stdout=subprocess.DEVNULL)
        camera = Path(folder) / "camera.y4m"
        browser = launch(
            playwright,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
            "--enable-unsafe-swiftshader",
        )
        screenshots_till.furnish(browser, url, settings, people[Kind.MERCHANT_OWNER])
        for width in WIDTHS:
            resident(page_of(browser, url, width), people[Kind.RESIDENT], width)
            large_voucher(browser, url, width)
            film(held_up(Image.open(SCREENS / "voucher-phone.png")), camera)
            screenshots_till.till(browser, url, settings, width)
            screenshots_till.merchant(browser, url, people[Kind.MERCHANT_OWNER], width)
            screenshots_scene.scene(browser, url, width)
            office(page_of(browser, url, width), people[READERS[width]], width)
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


def large_voucher(browser: Browser, url: str, width: str) -> None:
    """The field for the number that a till says."""
    holder = screenshots_till.Buyer(url, LARGE)
    page = page_of(browser, url, width, holder)
    page.goto(f"/vouchers/{holder.voucher_id}")
    page.get_by_text("收银员给了数字？").click()
    page.get_by_text("收银员给了数字？").scroll_into_view_if_needed()
    draw(page, "voucher-number", width)


def held_up(screen: Image.Image) -> Image.Image:
    """A phone at the counter, as a camera sees it that has not focused yet: no code can be read."""
    picture = Image.new("RGB", (640, 480), "#6e6057")
    picture.paste(screen.convert("RGB").resize((226, 490)), (207, 20))
    return picture.filter(ImageFilter.GaussianBlur(2))


def office(page: Page, person: SignIn, width: str) -> None:
    page.goto("/admin/sign-in")
    page.fill("[name=username]", person.name)
    page.fill("[name=password]", person.secret)
    page.fill("[name=code]", person.one_time_code(datetime.now(UTC)))
    page.click("main button[type=submit]")
    page.goto("/admin/")
    draw(page, "office", width)


if __name__ == "__main__":
    main()
