"""Pictures of pages, drawn into docs/screens at two widths."""

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from coupon_service.simulation.walk.visitor import Visitor

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
WIDTHS: dict[str, ViewportSize] = {
    "phone": {"width": 360, "height": 780},
    "desk": {"width": 1280, "height": 800},
}
_COLOURS = 256


def page_of(browser: Browser, url: str, width: str, visitor: Visitor | None = None) -> Page:
    """A phone's or a desk's new page, signed in as the visitor is."""
    context = browser.new_context(
        base_url=url,
        viewport=WIDTHS[width],
        has_touch=width == "phone",
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
        permissions=["camera"],
    )
    if visitor is not None:
        cookies = visitor.client.cookies.items()
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies])
    return context.new_page()


def draw(page: Page, name: str, width: str) -> None:
    """Take a picture of what is on the screen now."""
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    path = SCREENS / f"{name}-{width}.png"
    drawn = Image.open(BytesIO(page.screenshot()))
    # These pages have few colours; a palette of them is a fifth of the bytes. This way of choosing
    # them keeps the ones that are rare, too.
    palette = drawn.convert("RGB").quantize(
        _COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    palette.save(path, optimize=True)
    print(path.relative_to(SCREENS.parents[1]))


def film(picture: Image.Image, path: Path) -> None:
    """Write the picture, standing still, as a Y4M video: what Chromium plays as its camera."""
    width, height = picture.size
    y, u, v = picture.convert("YCbCr").split()
    small = (width // 2, height // 2)
    frame = b"".join(
        (b"FRAME\n", y.tobytes(), u.resize(small).tobytes(), v.resize(small).tobytes())
    )
    header = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n"
    path.write_bytes(header.encode() + frame * 5)
