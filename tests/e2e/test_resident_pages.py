"""A real browser on a phone's screen: from the home page to a voucher that a scanner reads."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import (
    ConsoleMessage,
    Page,
    Request,
    Response,
    Route,
    ViewportSize,
    expect,
    sync_playwright,
)
from sqlalchemy import func, select, update

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.token import read_token
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.redemption import make_counter
from tests.factories.residents import fresh_id_number, fresh_phone
from tests.harness.browser import NEEDS_CHROMIUM, launch
from tests.harness.web import web_server
from tests.invariants import assert_invariants

PHONE: ViewportSize = {"width": 360, "height": 780}
DESK: ViewportSize = {"width": 1280, "height": 800}
FIRST_VIEW_BYTES_MAX = 30_000
LONG_NAME = "老字号糕点铺与非遗手工坊联合满额立减消费券（冬至节令特别加发场·限西城区参与门店）"
OPENS_IN = timedelta(seconds=4)

Browse = Callable[..., Page]

pytestmark = NEEDS_CHROMIUM


@dataclass(frozen=True)
class Town:
    """A running service: one release to claim from, and one with a single seat."""

    url: str
    release_id: UUID
    single_id: UUID


@pytest.fixture
def town(settings: Settings, held: Resources) -> Iterator[Town]:
    with transaction(held.sessions) as session:
        small = make_season(session)
        make_counter(session, small.district)
        release = make_release(session, make_campaign(session, small, name="街巷小馆券"))
        single = make_release(session, make_campaign(session, small, name=LONG_NAME), quantity=1)
    with web_server(settings, web_workers=1) as url:
        yield Town(url, release.id, single.id)


@pytest.fixture
def browse(town: Town) -> Iterator[Browse]:
    """Opens phones; nothing they load may come from elsewhere, and no script may fail."""
    faults: list[str] = []

    def note_request(request: Request) -> None:
        if not request.url.startswith((town.url, "data:", "blob:")):
            faults.append(request.url)

    def note_console(message: ConsoleMessage) -> None:
        # Chromium reports every refusal the pages handle as a failed load.
        if message.type == "error" and "Failed to load resource" not in message.text:
            faults.append(message.text)

    with sync_playwright() as playwright:
        browser = launch(playwright)

        def open_page(*, javascript: bool = True, size: ViewportSize = PHONE) -> Page:
            page = browser.new_page(viewport=size, locale="zh-CN", java_script_enabled=javascript)
            page.on("request", note_request)
            page.on("console", note_console)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(town.url)
            return page

        yield open_page
        browser.close()
    assert faults == []


def become_resident(page: Page) -> None:
    """Sign in and confirm a real name, wherever the page has led to."""
    page.get_by_label("手机号").fill(fresh_phone())
    page.get_by_role("button", name="获取验证码").click()
    said = page.locator(".notice").inner_text()
    (code,) = re.findall(r"\d{6}", said)
    page.get_by_label("验证码").fill(code)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto(f"{_origin(page)}/real-name?next=/")
    page.get_by_label("姓名").fill("张三")
    page.get_by_label("身份证号码").fill(fresh_id_number())
    page.get_by_role("button", name="同意并认证").click()
    page.wait_for_url(f"{_origin(page)}/")


def claim_at_home(page: Page) -> None:
    page.get_by_role("button", name="领取 街巷小馆券").click()
    page.wait_for_url("**/vouchers/**")
    expect(page.get_by_text("领取成功")).to_be_visible()


def scanned(page: Page) -> str:
    """What a scanner reads off the screen."""
    shot = Image.open(BytesIO(page.screenshot()))
    (code,) = zxingcpp.read_barcodes(shot)
    return code.text


def assert_drawn_token_holds(page: Page, held: Resources) -> None:
    with transaction(held.sessions) as session:
        token = read_token(keyring(session), scanned(page), now=db_now(session))
    assert str(token.facts.voucher_id) == urlsplit(page.url).path.rpartition("/")[2]


def _origin(page: Page) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"


def _count(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(Voucher)).scalar_one()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_newcomer_claims_and_shows_a_code_that_scans(
    browse: Browse, held: Resources, javascript: bool
) -> None:
    page = browse(javascript=javascript)
    page.get_by_role("link", name="街巷小馆券").click()
    page.get_by_role("button", name="立即领取").click()
    expect(page.get_by_role("heading", name="用手机号登录")).to_be_visible()
    become_resident(page)
    claim_at_home(page)
    assert_drawn_token_holds(page, held)
    assert_invariants(held)


def test_two_quick_taps_claim_once(browse: Browse, held: Resources) -> None:
    page = browse()
    page.goto(f"{_origin(page)}/sign-in")
    become_resident(page)
    page.get_by_role("button", name="领取 街巷小馆券").dblclick()
    page.wait_for_url("**/vouchers/**")
    assert _count(held) == 1


def test_a_claim_whose_answer_was_lost_is_asked_for_again(browse: Browse, held: Resources) -> None:
    page = browse()
    page.goto(f"{_origin(page)}/sign-in")
    become_resident(page)
    lost: list[int] = []

    def lose_the_first_answer(route: Route) -> None:
        answer = route.fetch()
        if lost:
            route.fulfill(response=answer)
        else:
            lost.append(answer.status)
            route.abort("connectionreset")

    page.route("**/api/v1/claims", lose_the_first_answer)
    claim_at_home(page)
    assert lost == [201]
    assert _count(held) == 1


def test_a_sold_out_claim_is_said_where_it_was_tapped(
    browse: Browse, town: Town, held: Resources
) -> None:
    page = browse()
    page.goto(f"{town.url}/sign-in")
    become_resident(page)
    other = browse()
    other.goto(f"{town.url}/sign-in")
    become_resident(other)
    other.get_by_role("button", name=LONG_NAME).click()
    other.wait_for_url("**/vouchers/**")
    page.get_by_role("button", name=LONG_NAME).click()
    expect(page.get_by_role("alert")).to_have_text("本场消费券已领完，欢迎参加下一场。")
    expect(page.get_by_role("button", name=LONG_NAME)).to_have_count(0)
    page.reload()
    expect(page.get_by_text("已领完")).to_be_visible()
    assert _count(held) == 1


def test_the_claim_button_appears_when_the_countdown_ends(
    browse: Browse, town: Town, held: Resources
) -> None:
    page = browse()
    page.goto(f"{town.url}/sign-in")
    become_resident(page)
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session), name="整点开抢券")
        release = make_release(session, campaign, opens_in=OPENS_IN)
    page.goto(f"{town.url}/campaigns/{release.id}")
    button = page.get_by_role("button", name="立即领取")
    expect(button).to_be_hidden()
    expect(page.locator("[data-countdown]")).to_have_text(re.compile(r"00:00:0\d"))
    expect(button).to_be_visible(timeout=10_000)
    button.click()
    page.wait_for_url("**/vouchers/**")


def test_the_code_is_redrawn_before_it_expires_and_the_page_notices_its_use(
    browse: Browse, town: Town, held: Resources
) -> None:
    page = browse()
    page.goto(f"{town.url}/sign-in")
    become_resident(page)
    page.clock.install()
    claim_at_home(page)
    before = scanned(page)
    drawing = page.locator(".qr").inner_html()
    page.clock.run_for(200_000)
    page.wait_for_function(
        "drawing => document.querySelector('.qr').innerHTML !== drawing", arg=drawing
    )
    expect(page.get_by_text("二维码已过期")).to_be_hidden()
    assert scanned(page) != before
    assert_drawn_token_holds(page, held)
    with transaction(held.sessions) as session:
        session.execute(update(Voucher).values(state="redeemed", redeemed_at=func.now()))
    page.clock.run_for(11_000)
    expect(page.locator(".pass").get_by_text("已使用")).to_be_visible()


def test_without_a_network_the_page_says_when_its_code_is_too_old(
    browse: Browse, town: Town
) -> None:
    page = browse()
    page.goto(f"{town.url}/sign-in")
    become_resident(page)
    page.clock.install()
    claim_at_home(page)
    page.context.set_offline(True)
    page.clock.run_for(200_000)
    expect(page.get_by_text("二维码已过期")).to_be_hidden()
    page.clock.run_for(110_000)
    expect(page.get_by_text("二维码已过期")).to_be_visible()
    page.context.set_offline(False)
    page.clock.run_for(2_000)
    expect(page.get_by_text("二维码已过期")).to_be_hidden()


def test_the_first_view_is_small_enough_for_a_busy_morning(browse: Browse, town: Town) -> None:
    page = browse()
    sizes: dict[str, int] = {}

    def weigh(response: Response) -> None:
        sizes[response.url] = int(response.header_value("content-length") or len(response.body()))

    page.on("response", weigh)
    page.goto(town.url, wait_until="networkidle")
    page.goto(f"{town.url}/campaigns/{town.release_id}", wait_until="networkidle")
    assert len(sizes) >= 6
    assert sum(sizes.values()) <= FIRST_VIEW_BYTES_MAX, sizes


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_no_page_is_wider_than_its_screen_or_breaks_accessibility_rules(
    browse: Browse, town: Town, size: ViewportSize
) -> None:
    page = browse(size=size)
    _inspect(page, "home")
    for path in (f"/campaigns/{town.single_id}", "/sign-in", "/nothing-here"):
        page.goto(town.url + path)
        _inspect(page, path)
    page.goto(f"{town.url}/sign-in")
    page.get_by_label("手机号").fill("12345")
    page.get_by_role("button", name="获取验证码").click()
    _inspect(page, "a wrong phone")
    page.goto(f"{town.url}/wallet")
    become_resident(page)
    _inspect(page, "home, signed in")
    for path in ("/me", "/wallet", "/wallet?shelf=used"):
        page.goto(town.url + path)
        _inspect(page, path)
    page.goto(f"{town.url}/campaigns/{town.single_id}")
    page.get_by_role("button", name="立即领取").click()
    page.wait_for_url("**/vouchers/**")
    _inspect(page, "voucher")
    page.goto(f"{town.url}/wallet")
    _inspect(page, "wallet")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Wallet")).to_be_visible()
    _inspect(page, "wallet in English")


def _inspect(page: Page, name: str) -> None:
    excess_px = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert excess_px <= 0, f"{name} is {excess_px}px too wide"
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
