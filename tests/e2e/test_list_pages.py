"""A real browser uploads a list, watches it, grants a release, serves somebody at the counter."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from flask_openapi3 import OpenAPI
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from coupon_service.campaigns.models import Mode
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.lists import id_numbers, known_person, list_file, release_to_grant
from tests.factories.officials import Enrolled, make_official, signed_in_as
from tests.harness.browser import NEEDS_CHROMIUM, launch
from tests.harness.web import web_server
from tests.invariants import assert_invariants

VIEWPORTS = (ViewportSize(width=360, height=780), ViewportSize(width=1280, height=800))

pytestmark = NEEDS_CHROMIUM


@dataclass(frozen=True)
class Office:
    url: str
    small: SmallSeason
    cookie: str


@pytest.fixture
def office(app: OpenAPI, settings: Settings, held: Resources) -> Iterator[Office]:
    with transaction(held.sessions) as session:
        small = make_season(session)
    official: Enrolled = make_official(held, small.district.id)
    cookie = signed_in_as(app, official).get_cookie("coupon_office")
    assert cookie is not None
    with web_server(settings, web_workers=1) as url:
        yield Office(url, small, cookie.value)


@pytest.fixture
def page(office: Office) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser: Browser = launch(playwright)
        context = browser.new_context(locale="zh-CN")
        context.add_cookies([{"name": "coupon_office", "value": office.cookie, "url": office.url}])
        yield context.new_page()
        browser.close()


def assert_fits(page: Page) -> None:
    """On a phone and on a desk nothing is wider than the screen, and axe finds no fault."""
    for viewport in VIEWPORTS:
        page.set_viewport_size(viewport)
        wider_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider_px <= 0, f"{page.url} is {wider_px} px too wide"
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_large_list_is_uploaded_watched_and_granted(
    held: Resources, office: Office, page: Page, tmp_path: Path
) -> None:
    numbers = id_numbers(12_000)
    with transaction(held.sessions) as session:
        known_person(session, held, numbers[0])
        release_id: UUID = release_to_grant(session, office.small).id
    file = tmp_path / "名单.csv"
    file.write_bytes(list_file([*numbers, "", "1"], header="身份证号", encoding="gb18030"))
    assert file.stat().st_size > 3 * 65_536
    page.goto(f"{office.url}/admin/lists")
    assert_fits(page)
    page.get_by_label("名单名称").fill("高龄老人")
    page.get_by_label("名单文件").set_input_files(file)
    page.get_by_role("button", name="上传").click()
    expect(page.get_by_text("正在导入")).to_be_visible()
    assert_fits(page)
    drain(held.sessions)  # a worker's part; the page finds out by itself
    expect(page.locator("h1 + .badge")).to_have_text("可使用", timeout=15_000)
    expect(page.locator(".figure", has_text="人数")).to_contain_text("12,000")
    expect(page.get_by_text("第 12003 行")).to_be_visible()
    assert_fits(page)
    page.get_by_label("投放批次").select_option(str(release_id))
    page.get_by_role("button", name="开始发放").click()
    expect(page.get_by_text("正在发放")).to_be_visible()
    drain(held.sessions)
    expect(page.get_by_text("正在发放")).to_have_count(0, timeout=15_000)
    expect(page.locator(".figure", has_text="待本人完成实名")).to_contain_text("11,999")
    assert_fits(page)
    assert_invariants(held)


def test_a_large_body_of_a_stranger_is_not_waited_for(office: Office) -> None:
    body = b"phone\n" + b"13800138000\n" * 20_000
    api = f"{office.url}/api/v1/office/lists?name=x"
    csv = {"Content-Type": "text/csv"}
    assert httpx.post(api, content=body, headers=csv).status_code == 401
    signed_in = csv | {"Cookie": f"coupon_office={office.cookie}"}
    assert httpx.post(api, content=body, headers=signed_in).status_code == 202
    # Where no more is called for, being signed in opens nothing.
    elsewhere = f"{office.url}/api/v1/office/counter/visits"
    assert httpx.post(elsewhere, content=body, headers=signed_in).status_code == 413


def test_somebody_is_served_at_the_counter_by_keyboard(
    held: Resources, office: Office, page: Page
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, office.small, name="敬老助餐券")
        make_release(session, campaign, mode=Mode.STAFF)
    page.goto(f"{office.url}/admin/counter")
    assert_fits(page)
    page.get_by_label("姓名").fill("赵秀兰")
    page.get_by_label("身份证号").fill("110102193001010011")
    page.get_by_label("居民本人在场").press("Space")
    page.get_by_role("button", name="下一步").press("Enter")
    expect(page.get_by_text("证件号码有误")).to_be_visible()
    assert_fits(page)
    page.get_by_label("身份证号").fill(id_numbers(1)[0])
    page.get_by_role("button", name="下一步").press("Enter")
    expect(page.get_by_role("heading", name="赵**")).to_be_visible()
    assert_fits(page)
    page.get_by_role("button", name="代领").press("Enter")
    expect(page.get_by_text("刚刚领取")).to_be_visible()
    expect(page.get_by_role("link", name="打印纸质券")).to_be_visible()
    assert_fits(page)
    assert_invariants(held)
