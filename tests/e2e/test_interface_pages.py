"""A merchant's person makes a key, names an address, and watches what is sent there."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Response
from flask_openapi3 import OpenAPI
from playwright.sync_api import Browser, Page, expect

from coupon_service.core.auth import Kind, Principal, write_cookie
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from tests.e2e.conftest import DESK, PHONE
from tests.factories.campaigns import make_season
from tests.factories.pos import Receiver, make_endpoint, make_event, receiver
from tests.factories.redemption import Counter, another_till, make_counter
from tests.harness.browser import NEEDS_CHROMIUM
from tests.harness.in_process import ORIGIN, serve_in_process

pytestmark = NEEDS_CHROMIUM


@dataclass(frozen=True)
class Office:
    """The portal as the merchant's person sees it, and the merchant's own server."""

    page: Page
    counter: Counter
    server: Receiver


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhooks_private": True})


@pytest.fixture
def office(app: OpenAPI, held: Resources, browser: Browser) -> Iterator[Office]:
    with transaction(held.sessions) as session:
        small = make_season(session)
        counter = make_counter(session, small.district)
        another_till(session, counter)
    owner = Principal(Kind.MERCHANT_OWNER, new_id(), small.district.id, counter.merchant.id)
    response = Response()
    with app.test_request_context():
        write_cookie(response, owner, new_id())
    name, _, value = response.headers["Set-Cookie"].partition(";")[0].partition("=")
    context = browser.new_context(base_url=ORIGIN, viewport=PHONE, locale="zh-CN")
    serve_in_process(context, app)
    context.add_cookies([{"name": name, "value": value, "url": ORIGIN}])
    with receiver() as server:
        yield Office(context.new_page(), counter, server)
    context.close()


def assert_fits(page: Page) -> None:
    """On a phone and on a desk nothing is wider than the screen, and axe finds no fault."""
    for viewport in (DESK, PHONE):
        page.set_viewport_size(viewport)
        wider_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider_px <= 0, f"{page.url} is {wider_px} px too wide"
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_key_is_made_shown_once_and_stopped(office: Office) -> None:
    page = office.page
    page.goto("/merchant/interfaces")
    page.get_by_role("button", name="生成密钥").first.click()
    shown = page.locator("#secret").inner_text()
    assert shown.startswith("pos_")
    assert_fits(page)
    page.get_by_role("link", name="已保存，返回").click()
    expect(page.get_by_text(shown.partition(".")[0])).to_be_visible()
    assert shown.partition(".")[2] not in page.content()
    page.get_by_role("button", name="只接受签名请求").click()
    expect(page.get_by_text("仅限签名请求", exact=True)).to_be_visible()
    assert_fits(page)
    page.get_by_text("停用", exact=True).click()
    page.get_by_role("button", name="停用这把密钥").click()
    expect(page.get_by_text(shown.partition(".")[0])).to_have_count(0)


def test_an_address_is_named_and_a_test_arrives_there(held: Resources, office: Office) -> None:
    page = office.page
    page.goto("/merchant/interfaces")
    page.get_by_role("textbox", name="地址").fill("ftp://pos.example.com/")
    page.get_by_role("button", name="添加").click()
    expect(page.get_by_role("alert")).to_contain_text("https://")
    page.get_by_role("textbox", name="地址").fill(f"{office.server.url}/hooks")
    page.get_by_role("button", name="添加").click()
    assert page.locator("#secret").inner_text().startswith("whsec_")
    page.get_by_role("link", name="已保存，返回").click()
    assert_fits(page)
    with page.expect_navigation():
        page.get_by_role("button", name="发送测试通知").click()
    drain(held.sessions)
    page.get_by_role("link", name="刷新").click()
    expect(page.get_by_text("已送达")).to_be_visible()
    page.get_by_text("内容", exact=True).first.click()
    expect(page.get_by_text("webhook.test")).to_be_visible()
    assert_fits(page)
    assert len(office.server.at("/hooks")) == 1


def test_what_was_not_delivered_is_sent_again_by_hand(held: Resources, office: Office) -> None:
    page, server = office.page, office.server
    server.answers["/hooks"] = 503
    endpoint_id, _ = make_endpoint(held, office.counter.merchant.id, f"{server.url}/hooks")
    make_event(held, office.counter.merchant.id, order_no="A-1")
    drain(held.sessions)
    page.goto(f"/merchant/interfaces/webhooks/{endpoint_id}")
    expect(page.get_by_text("HTTP 503")).to_be_visible()
    assert_fits(page)
    server.answers.clear()
    with page.expect_navigation():
        page.get_by_role("button", name="重发").click()
    drain(held.sessions)
    page.get_by_role("link", name="刷新").click()
    expect(page.get_by_text("已送达")).to_be_visible()
    first, second = server.at("/hooks")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
