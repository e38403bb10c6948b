"""A real browser at the till: camera, photo, wedge scanner, typing, with and without JavaScript."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, Request, ViewportSize, expect, sync_playwright
from sqlalchemy import select

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.vouchers.models import Voucher, VoucherState
from coupon_service.vouchers.qr import qr_png
from coupon_service.vouchers.show import Shown
from tests.factories.redemption import Market, market_with_voucher
from tests.harness.browser import NEEDS_CHROMIUM, launch
from tests.harness.web import web_server
from tests.invariants import assert_invariants

ZXING = Path("coupon_service/core/static/vendor/zxing-wasm/reader/zxing_reader.wasm")
PICTURE = (640, 480)
PHONE: ViewportSize = {"width": 360, "height": 780}

Browse = Callable[..., Page]

pytestmark = [
    *NEEDS_CHROMIUM,
    pytest.mark.skipif(not ZXING.exists(), reason="page libraries are missing: run `make env`"),
]


@dataclass(frozen=True)
class Counter:
    """A running service with a counter in it, and a voucher to be presented there."""

    url: str
    market: Market
    voucher_id: UUID
    shown: Shown


@pytest.fixture
def counter(settings: Settings, held: Resources) -> Iterator[Counter]:
    market, voucher_id, shown = market_with_voucher(held)
    with web_server(settings) as url:
        yield Counter(url, market, voucher_id, shown)


@pytest.fixture
def browse(counter: Counter) -> Iterator[Browse]:
    """Opens pages in browsers of their own; nothing they load may come from elsewhere."""
    foreign: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((counter.url, "data:", "blob:")):
            foreign.append(request.url)

    with sync_playwright() as playwright:

        def open_page(*, camera: Path | None = None, javascript: bool = True) -> Page:
            arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream"]
            if camera is not None:
                arguments.append("--use-fake-device-for-media-stream")
                arguments.append(f"--use-file-for-fake-video-capture={camera}")
            browser = launch(playwright, *arguments)
            page = browser.new_page(viewport=PHONE, locale="zh-CN", java_script_enabled=javascript)
            page.on("request", note)
            page.goto(f"{counter.url}/till/")
            return page

        yield open_page
    assert foreign == []


def held_up(token: str) -> Image.Image:
    """The voucher as a camera sees it: its drawn QR code on a phone held up at the counter."""
    code = Image.open(BytesIO(qr_png(token))).convert("L").resize((420, 420))
    picture = Image.new("L", PICTURE, 90)
    picture.paste(code, (110, 30))
    return picture


def film(picture: Image.Image, path: Path) -> Path:
    """A grey Y4M video of the picture standing still, which Chromium plays as its camera."""
    width, height = picture.size
    frame = b"FRAME\n" + picture.tobytes() + b"\x80" * (width * height // 2)
    header = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n"
    path.write_bytes(header.encode() + frame * 5)
    return path


def sign_in(page: Page, counter: Counter) -> None:
    page.get_by_label("收银台密钥").fill(counter.market.counter.key)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_label("订单金额（元）")).to_be_visible()


def assert_redeemed(page: Page, held: Resources, counter: Counter) -> None:
    expect(page.get_by_role("heading", name="核销成功")).to_be_visible()
    expect(page.get_by_text("¥60")).to_be_visible()
    with transaction(held.sessions) as session:
        state = session.execute(
            select(Voucher.state).where(Voucher.id == counter.voucher_id)
        ).scalar_one()
    assert state == VoucherState.REDEEMED
    assert_invariants(held)


def test_a_voucher_held_up_to_the_camera_is_redeemed(
    browse: Browse, held: Resources, counter: Counter, tmp_path: Path
) -> None:
    video = film(held_up(counter.shown.token), tmp_path / "camera.y4m")
    page = browse(camera=video)
    sign_in(page, counter)
    page.get_by_label("订单金额（元）").fill("80")
    page.get_by_role("button", name="打开相机扫码").click()
    assert_redeemed(page, held, counter)


def test_a_photo_of_the_voucher_is_redeemed(
    browse: Browse, held: Resources, counter: Counter, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    held_up(counter.shown.token).rotate(7, fillcolor=90).save(photo, quality=80)
    page = browse()
    sign_in(page, counter)
    page.get_by_label("订单金额（元）").fill("80.00")
    page.locator("input[type=file]").set_input_files(photo)
    assert_redeemed(page, held, counter)


def test_a_photo_without_a_code_redeems_nothing_and_says_so(
    browse: Browse, counter: Counter, tmp_path: Path
) -> None:
    photo = tmp_path / "table.png"
    Image.new("L", PICTURE, 128).save(photo)
    page = browse()
    sign_in(page, counter)
    page.get_by_label("订单金额（元）").fill("80")
    page.locator("input[type=file]").set_input_files(photo)
    expect(page.get_by_text("照片里没有找到二维码")).to_be_visible()


def test_a_wedge_scanner_types_the_token_and_sends_it(
    browse: Browse, held: Resources, counter: Counter
) -> None:
    page = browse()
    sign_in(page, counter)
    page.keyboard.type("80")
    page.keyboard.press("Enter")
    page.keyboard.type(counter.shown.token)
    page.keyboard.press("Enter")
    assert_redeemed(page, held, counter)


def test_typed_digits_are_quoted_redeemed_and_reversed_without_javascript(
    browse: Browse, held: Resources, counter: Counter
) -> None:
    page = browse(javascript=False)
    sign_in(page, counter)
    expect(page.get_by_role("button", name="打开相机扫码")).to_be_hidden()
    page.get_by_label("订单金额（元）").fill("80")
    page.get_by_label("券码").fill(counter.shown.typed_code)
    page.get_by_role("button", name="先试算").click()
    expect(page.get_by_text("可以用券，待核销")).to_be_visible()
    page.get_by_role("button", name="确认核销").click()
    assert_redeemed(page, held, counter)
    page.get_by_text("收错了，冲正这一单").click()
    page.get_by_role("button", name="确认冲正").click()
    expect(page.get_by_role("heading", name="已冲正")).to_be_visible()
    assert_invariants(held)


def test_no_page_of_the_till_is_wider_than_a_phone_or_breaks_accessibility_rules(
    browse: Browse, counter: Counter
) -> None:
    page = browse()
    _inspect(page, "sign-in")
    sign_in(page, counter)
    _inspect(page, "counter")
    for wanted, amount in (("refusal", "49"), ("order", "123456.78")):
        page.goto(f"{counter.url}/till/")
        page.get_by_label("订单金额（元）").fill(amount)
        page.get_by_label("券码").fill(counter.shown.typed_code)
        page.get_by_role("button", name="核销", exact=True).click()
        expect(page.locator(".verdict")).to_be_visible()
        _inspect(page, wanted)
    page.get_by_role("link", name="今日记录").click()
    expect(page.get_by_role("heading", name="今日记录")).to_be_visible()
    _inspect(page, "today")


def _inspect(page: Page, name: str) -> None:
    excess_px = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert excess_px <= 0, f"{name} is {excess_px}px too wide"
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
