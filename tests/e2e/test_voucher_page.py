"""A real browser shows a voucher: it signs and draws by itself, with and without a network."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from PIL import Image
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect, sync_playwright
from sqlalchemy import update

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.models import PhoneKey
from coupon_service.vouchers.show import typed_code_key
from redemption.verify import Scan, Way, read_code
from tests.factories.campaigns import make_release
from tests.factories.officials import make_official, signed_in_as
from tests.factories.phones import holder_of
from tests.factories.redemption import Market, make_voucher, market_with_voucher
from tests.harness.browser import NEEDS_CHROMIUM, launch
from tests.harness.in_process import ORIGIN, serve_in_process
from tests.harness.web import resident_cookie, web_server
from tests.integration.test_paper import give_id_number
from tests.integration.test_redeem_api import redeem_at
from tests.invariants import assert_invariants

PHONE: ViewportSize = {"width": 360, "height": 780}
PROVING = "[data-standing=proving]"
RENEWED = "before => document.querySelector('[data-qr]').innerHTML !== before"

pytestmark = NEEDS_CHROMIUM


Phones = Callable[..., BrowserContext]


@dataclass(frozen=True)
class Town:
    """A resident with two vouchers, and a till."""

    held: Resources
    till: FlaskClient
    market: Market
    voucher_id: UUID
    other_id: UUID
    cookie: str

    @property
    def path(self) -> str:
        return f"/vouchers/{self.voucher_id}"

    def redeem(self, code: str) -> tuple[int, str]:
        answer = redeem_at(self.till, self.market.counter, code)
        return answer.status_code, str(answer.get_json().get("slug", ""))

    def read(self, code: str) -> Scan:
        with transaction(self.held.sessions) as session:
            return read_code(code, keyring=keyring(session), typed_key=typed_code_key())


@pytest.fixture
def town(app: OpenAPI, client: FlaskClient, held: Resources) -> Iterator[Town]:
    market, voucher_id, _ = market_with_voucher(held)
    with transaction(held.sessions) as session:
        holder_id = holder_of(session, voucher_id)
        other = make_release(session, market.campaign)
        other_id = make_voucher(session, other, resident_id=holder_id)
    give_id_number(held, holder_id)
    yield Town(held, client, market, voucher_id, other_id, resident_cookie(app, holder_id))
    assert_invariants(held)


@pytest.fixture
def phones(town: Town, app: OpenAPI) -> Iterator[Phones]:
    """Makes phones on which the resident is signed in. No script on them may fail."""
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)

        def make(url: str = ORIGIN) -> BrowserContext:
            context = browser.new_context(
                base_url=url, viewport=PHONE, locale="zh-CN", device_scale_factor=2
            )
            give_cookie(context, town.cookie, url)
            context.on("weberror", lambda error: faults.append(str(error.error)))
            if url == ORIGIN:
                serve_in_process(context, app)
            return context

        yield make
        browser.close()
    assert faults == []


def give_cookie(context: BrowserContext, cookie: str, url: str = ORIGIN) -> None:
    name, _, value = cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": url}])


def scanned(page: Page) -> str:
    """What a scanner reads off the screen."""
    shot = Image.open(BytesIO(page.screenshot()))
    (code,) = zxingcpp.read_barcodes(shot, formats=zxingcpp.BarcodeFormat.QRCode)
    return code.text


def assert_accessible(page: Page) -> None:
    excess_px = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert excess_px <= 0, page.url
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


def test_the_code_renews_itself_redeems_once_and_dies_as_a_screenshot(
    town: Town, phones: Phones
) -> None:
    context = phones()
    page = context.new_page()
    page.clock.install()
    page.goto(town.path)
    expect(page.locator(PROVING)).to_be_visible()
    first = scanned(page)
    assert_accessible(page)
    drawn = page.locator("[data-qr]").inner_html()
    page.clock.run_for(16_000)
    page.wait_for_function(RENEWED, arg=drawn)
    second = scanned(page)
    scans = [town.read(first), town.read(second)]
    assert [scan.way for scan in scans] == [Way.PROOF, Way.PROOF]
    assert {scan.voucher for scan in scans} == {town.voucher_id}
    assert scans[0].proof_counter < scans[1].proof_counter  # type: ignore[operator]

    # The same phone, cut off, forty seconds ago: what a screenshot of then would show.
    with transaction(town.held.sessions) as session:
        then = db_now(session) - timedelta(seconds=40)
        bound_at = then - timedelta(minutes=5)
        session.execute(update(PhoneKey).values(bound_at=bound_at, usable_from=bound_at))
    old = context.new_page()
    old.route("**/api/**", lambda route: route.abort())
    old.clock.set_fixed_time(then)
    old.goto(town.path)
    expect(old.locator(PROVING)).to_be_visible()
    screenshot = scanned(old)
    assert town.read(screenshot).way is Way.PROOF
    assert town.redeem(screenshot) == (400, "expired-token")
    old.close()

    assert town.redeem(second)[0] == 201
    page.clock.run_for(31_000)
    page.wait_for_url("**/vouchers/*?used=1")
    expect(page.get_by_text("已为您优惠")).to_be_visible()
    expect(page.locator(".done__saved")).to_contain_text("20")
    assert_accessible(page)


def test_in_flight_mode_the_wallet_opens_and_codes_go_on(
    town: Town, phones: Phones, settings: Settings
) -> None:
    with web_server(settings, web_workers=1) as url:
        context = phones(url)
        page = context.new_page()
        page.goto(town.path)
        expect(page.locator(PROVING)).to_be_visible()
        wait_until_kept(page, town)
        assert_forgotten_after_sign_out(phones(url).new_page(), town)
    # The server is gone, and the browser believes that the network is, too.
    context.set_offline(True)
    page.clock.install()

    page.goto("/wallet")
    expect(page.get_by_role("link", name="满50减20").first).to_be_visible()
    expect(page.get_by_text("没有网络，已领的券照常出示。")).to_be_visible()
    # The second one was never opened: the worker fetched it ahead.
    for voucher_id in (town.voucher_id, town.other_id):
        page.goto(f"/vouchers/{voucher_id}")
        expect(page.locator(PROVING)).to_be_visible()
        expect(page.get_by_text("没有网络，已领的券照常出示。")).to_be_visible()
        code = scanned(page)
        assert (town.read(code).way, town.read(code).voucher) == (Way.PROOF, voucher_id)
    drawn = page.locator("[data-qr]").inner_html()
    page.clock.run_for(16_000)
    page.wait_for_function(RENEWED, arg=drawn)
    assert town.redeem(scanned(page))[0] == 201
    page.goto("/me")
    expect(page.get_by_role("heading", name="现在没有网络")).to_be_visible()
    assert_accessible(page)


def wait_until_kept(page: Page, town: Town) -> None:
    page.evaluate("navigator.serviceWorker.ready")
    page.goto("/wallet")
    page.wait_for_function(
        """async (wanted) => {
          const pages = await caches.open("pages");
          return (await Promise.all(wanted.map((path) => pages.match(path)))).every(Boolean);
        }""",
        arg=["/wallet", town.path, f"/vouchers/{town.other_id}"],
    )


def assert_forgotten_after_sign_out(page: Page, town: Town) -> None:
    page.goto("/wallet")
    wait_until_kept(page, town)
    page.evaluate("fetch('/api/v1/sign-out', { method: 'POST' })")
    page.wait_for_function("async () => !(await caches.has('pages'))")
    page.goto("/wallet")
    expect(page.get_by_role("heading", name="用手机号登录")).to_be_visible()
    assert page.evaluate("caches.has('pages')") is False


def test_a_second_phone_takes_over_with_a_word_and_a_wait(town: Town, phones: Phones) -> None:
    first, second = phones().new_page(), phones().new_page()
    first.goto(town.path)
    expect(first.locator(PROVING)).to_be_visible()
    second.goto(town.path)
    expect(second.get_by_text("二维码在您的另一部手机上")).to_be_visible()
    expect(second.locator("[data-qr]")).to_be_hidden()
    second.get_by_role("button", name="改用这部手机").click()
    dialog = second.get_by_role("dialog")
    expect(dialog).to_contain_text("10 分钟")
    assert_accessible(second)
    dialog.get_by_role("button", name="改用这部手机").click()
    expect(second.get_by_text("请等到")).to_be_visible()
    expect(dialog).to_be_hidden()
    assert_accessible(second)
    first.reload()
    expect(first.get_by_text("二维码在您的另一部手机上")).to_be_visible()
    assert second.locator("[data-digits]").inner_text() == ""
    with transaction(town.held.sessions) as session:  # ten minutes later
        waited = timedelta(minutes=10)
        session.execute(
            update(PhoneKey)
            .where(PhoneKey.revoked_at.is_(None))
            .values(bound_at=PhoneKey.bound_at - waited, usable_from=PhoneKey.usable_from - waited)
        )
    expect(second.locator(PROVING)).to_be_visible(timeout=15_000)
    assert town.redeem(scanned(second))[0] == 201


def test_a_printed_sheet_is_read_by_the_tills_camera(
    town: Town, phones: Phones, app: OpenAPI, held: Resources
) -> None:
    office = signed_in_as(app, make_official(held, town.market.small.district.id))
    address = f"/admin/paper/{town.voucher_id}"
    assert office.post(address).status_code == 303
    cookie = office.get_cookie("coupon_office")
    assert cookie is not None
    context = phones()
    give_cookie(context, f"{cookie.key}={cookie.value}")
    page = context.new_page()
    page.goto(address)
    assert_accessible(page)
    page.emulate_media(media="print")
    scan = town.read(scanned(page))
    assert (scan.way, scan.voucher, scan.paper_serial) == (Way.PAPER, town.voucher_id, 1)
