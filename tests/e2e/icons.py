"""Draws the applications' icons from their icon.svg: `python -m tests.e2e.icons`. Needs Chromium.

`any` is the drawing as it is; `maskable` stands on its colour with room for any mask a phone cuts
(the safe zone is a circle of 80 %, W3C App Manifest).
"""

import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.harness.browser import CHROMIUM, launch

ROOT = Path(__file__).parents[2]
SIZES = (192, 512)
COLOURS = 32


@dataclass(frozen=True)
class Icon:
    """A drawing in white on its own colour.

    Attributes:
        share: how much of the maskable ground the drawing takes up.
        turns: whether the drawing takes the place of its colour there, which is the ground then.
    """

    source: Path
    folder: Path
    colour: str
    share: str
    turns: bool


APPLICATIONS = (
    Icon(
        ROOT / "coupon_service/core/static/icon.svg",
        ROOT / "coupon_service/mobile/static/icons",
        "#a8231c",
        "62%",
        turns=True,
    ),
    Icon(
        ROOT / "redemption/static/icon.svg",
        ROOT / "redemption/static/icons",
        "#14624a",
        "88%",
        turns=False,
    ),
)


def main() -> None:
    if CHROMIUM is None:
        sys.exit("No Chromium is installed.")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for icon in APPLICATIONS:
            icon.folder.mkdir(exist_ok=True)
            for size in SIZES:
                draw(browser, icon, size, maskable=False)
                draw(browser, icon, size, maskable=True)
        browser.close()


def draw(browser: Browser, icon: Icon, size: int, *, maskable: bool) -> None:
    svg = icon.source.read_text()
    if maskable and icon.turns:  # on its own colour it would vanish
        svg = svg.replace(f'fill="{icon.colour}"', 'fill="#fff"').replace(
            'stroke="#fff"', f'stroke="{icon.colour}"'
        )
    ground, share = (icon.colour, icon.share) if maskable else ("transparent", "100%")
    page = browser.new_page(viewport={"width": size, "height": size})
    page.set_content(
        f"<style>body{{display:grid;place-items:center;height:100vh;margin:0;background:{ground}}}"
        f"svg{{width:{share}}}</style>{svg}"
    )
    shot = Image.open(BytesIO(page.screenshot(omit_background=True)))
    path = icon.folder / f"{'maskable' if maskable else 'any'}-{size}.png"
    shot.quantize(COLOURS).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    page.close()


if __name__ == "__main__":
    main()
