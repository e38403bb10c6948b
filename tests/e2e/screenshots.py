"""Draws the pages at two widths into docs/screens: `make screens`. Needs Chromium.

Starts a whole service of its own with the demo season, signs in as each of the demo's people, and
walks through the pages the way they would.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from coupon_service.core.auth import Kind
from coupon_service.core.settings import load_settings
from coupon_service.embedded.state import reset
from coupon_service.simulation.demo.sign_ins import SignIn, describe

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
WIDTHS = {"phone": (360, 780), "desk": (1280, 800)}
COMMAND = [sys.executable, str(Path(sys.executable).with_name("coupon-service"))]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def main() -> None:
    if CHROMIUM is None:
        sys.exit("No Chromium is installed.")
    SCREENS.mkdir(parents=True, exist_ok=True)
    people = {one.role: one for one in reversed(describe(load_settings()))}
    with service() as url, sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        # Claims, redemptions and a settlement, or the office would have nothing to show.
        subprocess.run([*COMMAND, "walk", "--url", url], check=True, stdout=subprocess.DEVNULL)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        for width, size in WIDTHS.items():
            resident(page_of(browser, url, size), people[Kind.RESIDENT], width)
            till(page_of(browser, url, size), people[Kind.TILL], width)
            official(page_of(browser, url, size), people[Kind.OFFICIAL], width)
        browser.close()


def resident(page: Page, person: SignIn, width: str) -> None:
    page.goto("/")
    draw(page, "home", width)
    page.goto("/sign-in")
    page.fill("[name=phone]", person.name)
    page.click("main button[type=submit]")
    code = re.search(r"\b\d{6}\b", page.inner_text("main"))
    assert code is not None, "the sign-in page shows no code"
    page.fill("[name=code]", code[0])
    page.click("main button[type=submit]")
    page.goto("/wallet")
    draw(page, "wallet", width)
    page.locator("main a[href^='/vouchers/']").first.click()
    page.wait_for_load_state("networkidle")
    draw(page, "voucher", width)


def till(page: Page, person: SignIn, width: str) -> None:
    page.goto("/till/sign-in")
    page.fill("[name=key]", person.secret)
    page.click("main button[type=submit]")
    draw(page, "till", width)


def official(page: Page, person: SignIn, width: str) -> None:
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
    page.screenshot(path=path)
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


@contextmanager
def service() -> Iterator[str]:
    """A whole service on a free port, with the demo season; yields its address."""
    state_dir = Path(tempfile.mkdtemp(prefix="coupon-screens-"))
    state_dir.chmod(0o711)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    env = {**os.environ, "COUPON_STATE_DIR": str(state_dir), "COUPON_PORT": str(port)}
    with subprocess.Popen([*COMMAND, "up"], env=env, stdout=subprocess.PIPE, text=True) as up:
        try:
            assert up.stdout is not None
            for line in up.stdout:
                if line.startswith("Ready in"):
                    break
            yield f"http://127.0.0.1:{port}"
        finally:
            up.terminate()
            up.wait(60)
            reset(state_dir)
            shutil.rmtree(state_dir, ignore_errors=True)


if __name__ == "__main__":
    main()
