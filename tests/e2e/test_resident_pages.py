"""A real browser on a phone's screen: from the home page to a voucher that a scanner reads."""

import re
from collections.abc import Iterator
from datetime import timedelta
from gzip import decompress as gunzip
from io import BytesIO
from urllib.parse import urlsplit

import zxingcpp
from flask_openapi3 import OpenAPI
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Route,
    expect,
)
from sqlalchemy import func, select

from coupon_service.campaigns.models import Release
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.vouchers.models import Voucher
from tests.e2e.conftest import LONG_NAME, PHONE, Phones, Town
from tests.factories.campaigns import make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.factories.redemption import make_voucher
from tests.factories.residents import fresh_id_number, fresh_phone
from tests.harness.browser import NEEDS_CHROMIUM
from tests.harness.in_process import ORIGIN
from tests.harness.web import resident_cookie, web_server

FIRST_VIEW_BYTES_MAX = 30_000
LARGE_TEXT_PX_MIN = 20
OPENS_IN = timedelta(seconds=3)

pytestmark = NEEDS_CHROMIUM


def at(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
    page.goto(path)
    return page


def is_told(page: Page) -> None:
    """The result is said in words."""
    page.wait_for_url("**/vouchers/**")
    expect(page.get_by_text("领取成功")).to_be_visible()


def claimed_count(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(Voucher)).scalar_one()


def test_a_newcomer_claims_and_shows_a_code_that_scans_with_and_without_scripts(
    settings: Settings, held: Resources, town: Town, browser: Browser
) -> None:
    with web_server(settings, web_workers=1) as url:
        for javascript in (True, False):
            context = browser.new_context(
                base_url=url, viewport=PHONE, locale="zh-CN", java_script_enabled=javascript
            )
            page = at(context, "/")
            page.get_by_role("link", name="街巷小馆券").first.click()
            page.get_by_role("button", name="立即领取").click()
            become_resident(page, url)
            page.goto(town.detail)
            page.get_by_role("button", name="立即领取").click()
            is_told(page)
            expect(page.locator(".qr svg").first).to_be_visible()
            (code,) = zxingcpp.read_barcodes(Image.open(BytesIO(page.screenshot())))
            assert len(code.text) > 100
            context.close()
    assert claimed_count(held) == 2


def become_resident(page: Page, url: str) -> None:
    """Sign in and confirm a real name, wherever the page has led to."""
    page.get_by_label("手机号").fill(fresh_phone())
    page.get_by_role("button", name="获取验证码").click()
    (code,) = re.findall(r"\d{6}", page.locator(".notice").first.inner_text())
    page.get_by_label("验证码").fill(code)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(lambda address: "/sign-in" not in address)
    page.goto(f"{url}/real-name?next=/")
    page.get_by_label("姓名").fill("张三")
    page.get_by_label("证件号码").fill(fresh_id_number())
    page.get_by_role("button", name="同意并认证").click()
    page.wait_for_url(lambda address: urlsplit(address).path == "/")


def test_two_quick_taps_with_the_network_cut_in_between_claim_once_and_say_so(
    phones: Phones, town: Town, held: Resources
) -> None:
    page = at(phones(), "/")
    lost: list[int] = []

    def lose_the_first_answer(route: Route) -> None:
        if lost:
            return route.fallback()
        lost.append(1)
        # The claim arrives; its answer does not.
        with transaction(held.sessions) as session:
            release = session.get_one(Release, town.release_id)
            make_voucher(session, release, resident_id=town.resident_id)
        return route.abort("connectionreset")

    page.route("**/api/v1/releases/*/claims/*", lose_the_first_answer)
    page.get_by_role("button", name="领取 街巷小馆券").dblclick()
    is_told(page)
    assert lost == [1]
    assert claimed_count(held) == 1


def test_without_any_answer_the_page_says_so_and_a_second_try_is_safe(
    phones: Phones, town: Town, held: Resources
) -> None:
    page = at(phones(), town.detail)
    page.clock.install()
    page.route("**/api/v1/releases/*/claims/*", lambda route: route.abort("internetdisconnected"))
    button = page.get_by_role("button", name="立即领取")
    button.click()
    for _ in range(4):
        page.clock.run_for(3_000)
    expect(page.get_by_role("alert")).to_contain_text("不会重复领取")
    expect(button).to_be_enabled()
    expect(button).to_be_focused()
    page.unroute("**/api/v1/releases/*/claims/*")
    button.click()
    is_told(page)
    page.goto(town.detail)
    expect(page.get_by_text("您已领取 1 张")).to_be_visible()
    expect(button).to_have_count(0)
    assert claimed_count(held) == 1


def test_a_sold_out_claim_is_said_where_it_was_tapped_and_offers_the_queue(
    phones: Phones, town: Town, held: Resources
) -> None:
    page = at(phones(), "/")
    with transaction(held.sessions) as session:
        other_id = make_resident(session)
    other = at(phones(other_id), f"/campaigns/{town.single_id}")
    other.get_by_role("button", name="立即领取").click()
    is_told(other)
    page.get_by_role("button", name=LONG_NAME).click()
    expect(page.get_by_role("alert")).to_have_text("本场消费券已领完，欢迎参加下一场。")
    queue = page.get_by_role("link", name="排队候补")
    expect(queue).to_be_focused()
    expect(queue).to_have_attribute("href", f"/waiting/{town.single_id}")
    page.goto(f"/campaigns/{town.single_id}")
    expect(page.get_by_text("已领完").first).to_be_visible()
    assert claimed_count(held) == 1


def test_the_claim_button_appears_when_the_countdown_ends_by_the_servers_clock(
    phones: Phones, town: Town, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, town.small, name="整点开抢券")
        release = make_release(session, campaign, opens_in=OPENS_IN)
    page = phones().new_page()
    # The phone's own clock is an hour slow.
    page.add_init_script("const late = Date.now; Date.now = () => late() - 3_600_000;")
    page.goto(f"/campaigns/{release.id}")
    button = page.get_by_role("button", name="立即领取")
    expect(button).to_be_hidden()
    expect(page.locator("[data-countdown]")).to_have_text(re.compile(r"00:00:0\d"))
    expect(button).to_be_visible(timeout=10_000)
    button.click()
    is_told(page)


def test_a_claim_by_keyboard_alone_shows_where_it_is(phones: Phones, held: Resources) -> None:
    page = at(phones(), "/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert seen != "none", page.evaluate("document.activeElement.outerHTML")
        if "领取 街巷小馆券" in page.evaluate("document.activeElement.textContent"):
            break
    page.keyboard.press("Enter")
    is_told(page)
    assert claimed_count(held) == 1


def test_large_type_is_large_has_few_choices_and_can_be_heard(
    phones: Phones, town: Town, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        for _ in range(4):
            small = make_season(session)
            make_release(session, make_campaign(session, small, name="一券"))
        make_release(
            session, make_campaign(session, small, name="明天券"), opens_in=timedelta(days=1)
        )
    page = phones(large=True).new_page()
    # This machine has no voices: what would be spoken is kept instead.
    page.add_init_script("speechSynthesis.speak = (said) => (window.heard = said)")
    page.goto("/")
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= (
        LARGE_TEXT_PX_MIN
    )
    expect(page.locator(".ticket")).to_have_count(3)
    expect(page.locator("[data-countdown]")).to_have_count(0)
    for button in page.locator(".ticket button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 60
    page.get_by_role("button", name="朗读").click()
    expect(page.get_by_role("button", name="停止朗读")).to_be_visible()
    assert page.evaluate("heard.lang") == "zh-CN"
    assert "街巷小馆券" in page.evaluate("heard.text")
    page.get_by_role("link", name="查看全部消费券").click()
    expect(page.locator(".ticket")).to_have_count(6)


def test_a_phone_that_cannot_speak_has_no_button_for_it(phones: Phones, town: Town) -> None:
    page = phones(large=True).new_page()
    page.add_init_script("delete window.speechSynthesis; delete window.SpeechSynthesisUtterance")
    page.goto(town.detail)
    expect(page.get_by_role("button", name="立即领取")).to_be_visible()
    expect(page.get_by_role("button", name="朗读")).to_have_count(0)


def test_distances_come_after_a_tap_and_from_a_rounded_place(phones: Phones, town: Town) -> None:
    context = phones()
    context.grant_permissions(["geolocation"], origin=ORIGIN)
    context.set_geolocation({"latitude": 39.9404567, "longitude": 116.3701234})
    page = at(context, "/")
    expect(page.get_by_text("约 100 米")).to_have_count(0)
    sent: list[str] = []

    def take(route: Route) -> None:
        sent.append(route.request.post_data or "")
        context.add_cookies([{"name": "near", "value": "39.940,116.370", "url": ORIGIN}])
        route.fulfill(status=204)

    page.route("**/near", take)
    page.get_by_role("button", name="离我多远").click()
    page.wait_for_timeout(300)
    assert sent == ["lat=39.940&lon=116.370"]
    page.goto("/")
    expect(page.get_by_text("约 100 米").first).to_be_visible()
    page.goto("/stores")
    expect(page.get_by_text("您的大致位置")).to_be_attached()
    page.get_by_role("link", name="西单，1 家").click()
    expect(page.get_by_role("heading", name="西单")).to_be_visible()
    page.get_by_role("link", name="1 西单书店").click()
    expect(page.locator("#store-1:target")).to_be_visible()


def test_the_first_view_is_small_enough_for_a_busy_morning(
    app: OpenAPI, town: Town, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        for number in range(30):
            campaign = make_campaign(session, town.small, name=f"第 {number} 号消费券")
            release = make_release(session, campaign)
            make_voucher(session, release, resident_id=town.resident_id)
    for who in (None, town.resident_id):
        weights = dict(_travelling(app, "/", resident_cookie(app, who) if who else ""))
        assert len(weights) >= 6
        assert sum(weights.values()) <= FIRST_VIEW_BYTES_MAX, weights


def _travelling(app: OpenAPI, path: str, cookie: str) -> Iterator[tuple[str, int]]:
    """The page and each style sheet and script it asks for, in bytes as a browser is sent them."""
    client = app.test_client(use_cookies=False)
    headers = {"Accept-Encoding": "gzip", "Cookie": cookie}
    page = client.get(path, headers=headers)
    yield path, len(page.data)
    html = gunzip(page.data).decode()
    for address in re.findall(
        r'(?:<link rel="stylesheet" href|<script type="module" src)="(.+?)"', html
    ):
        yield address, len(client.get(address, headers=headers).data)
