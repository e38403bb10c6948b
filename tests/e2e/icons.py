"""Draws the application's icons from icon.svg: `python -m tests.e2e.icons`. Needs Chromium.

`any` is the ticket as it is; `maskable` stands on its colour with room for any mask a phone cuts
(the safe zone is a circle of 80 %, W3C App Manifest).
"""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.harness.browser import CHROMIUM, launch

STATIC = Path(__file__).parents[2] / "coupon_service"
SOURCE = STATIC / "core/static/icon.svg"
ICONS = STATIC / "mobile/static/icons"
SIZES = (192, 512)
RED = "#a8231c"
# The ground, and how much of it the ticket takes up.
LOOKS = {"any": ("transparent", "100%"), "maskable": (RED, "62%")}
COLOURS = 32


def main() -> None:
    if CHROMIUM is None:
        sys.exit("No Chromium is installed.")
    ICONS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for look in LOOKS:
            for size in SIZES:
                draw(browser, look, size)
        browser.close()


def draw(browser: Browser, look: str, size: int) -> None:
    ground, width = LOOKS[look]
    svg = SOURCE.read_text()
    if look == "maskable":  # on its own colour the ticket would vanish
        svg = svg.replace(f'fill="{RED}"', 'fill="#fff"').replace(
            'stroke="#fff"', f'stroke="{RED}"'
        )
    page = browser.new_page(viewport={"width": size, "height": size})
    page.set_content(
        f"<style>body{{display:grid;place-items:center;height:100vh;margin:0;background:{ground}}}"
        f"svg{{width:{width}}}</style>{svg}"
    )
    shot = Image.open(BytesIO(page.screenshot(omit_background=True)))
    path = ICONS / f"{look}-{size}.png"
    shot.quantize(COLOURS).save(path, optimize=True)
    print(f"{path.relative_to(STATIC.parent)}: {path.stat().st_size:,} bytes")
    page.close()


if __name__ == "__main__":
    main()
