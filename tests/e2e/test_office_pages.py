"""A real browser in the office, on a phone and on a desk."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from sqlalchemy import select

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from fraud.models import Case
from merchants.payout_account import BankAccount, set_payout_account
from merchants.settlement.settle import settle
from tests.factories.fraud import Scene, bought, make_scene, planted_pattern
from tests.factories.officials import PASSWORD, Enrolled, make_official
from tests.harness.browser import NEEDS_CHROMIUM, launch
from tests.harness.web import web_server
from tests.invariants import assert_invariants

PHONE = ViewportSize(width=360, height=780)
DESK = ViewportSize(width=1280, height=800)

pytestmark = NEEDS_CHROMIUM


@dataclass(frozen=True)
class Office:
    """A running service with a season in it, a case to decide, and an official."""

    url: str
    scene: Scene
    official: Enrolled
    case_id: UUID


@pytest.fixture
def office(settings: Settings, held: Resources) -> Iterator[Office]:
    scene = make_scene(held)
    account = BankAccount(holder="测试小馆", bank="示例银行", number="6222000011112222")
    with transaction(held.sessions) as session:
        merchant_id = scene.shop.merchant.id
        set_payout_account(session, held.vault, merchant_id, account, now=db_now(session))
    for n in range(1, 13):
        bought(held, scene, at=timedelta(minutes=n))
    planted_pattern(held, scene)
    drain(held.sessions)
    official = make_official(held, scene.small.district.id)
    with transaction(held.sessions) as session:
        case_id = session.execute(select(Case.id)).scalar_one()
    with web_server(settings) as url:
        yield Office(url, scene, official, case_id)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = launch(playwright)
        yield launched
        launched.close()


def signed_in(browser: Browser, office: Office, viewport: ViewportSize) -> Page:
    """The overview, after signing in by the form. The browser must find nothing to complain of."""
    context = browser.new_context(viewport=viewport, locale="zh-CN", accept_downloads=True)
    page = context.new_page()
    page.on("console", lambda message: _is_quiet(message.type, message.text))
    page.on("request", lambda request: _is_ours(request.url, office.url))
    page.goto(f"{office.url}/admin/")
    expect(page).to_have_url(f"{office.url}/admin/sign-in?next=%2Fadmin%2F")
    page.get_by_label("用户名").fill(office.official.username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("动态码").fill(page.locator("dl.facts dd").first.inner_text())
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="财政资金")).to_be_visible()
    return page


def _is_quiet(kind: str, said: str) -> None:
    refused_on_purpose = said.endswith("status of 400 (Bad Request)")
    assert kind not in ("error", "warning") or refused_on_purpose, said


def _is_ours(url: str, ours: str) -> None:
    assert url.startswith((ours, "data:", "blob:")), f"loaded from elsewhere: {url}"


def assert_fits(page: Page) -> None:
    """Nothing is wider than the screen, and axe finds no fault."""
    wider_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider_px <= 0, f"{page.url} is {wider_px} px too wide"
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_every_office_page_fits_and_is_accessible(
    browser: Browser, office: Office, viewport: ViewportSize
) -> None:
    page = signed_in(browser, office, viewport)
    page.locator("summary.node--board").click()
    page.locator("summary.node--series").click()
    page.get_by_text("逐日数据").click()
    assert_fits(page)
    for path in ("cases", f"cases/{office.case_id}", "releases", "settlements", "audit"):
        page.goto(f"{office.url}/admin/{path}")
        assert_fits(page)


def test_an_official_reads_the_season_and_takes_it_along(browser: Browser, office: Office) -> None:
    page = signed_in(browser, office, DESK)
    expect(page.locator(".figure", has_text="已核销")).to_contain_text("20")
    expect(page.locator(".figure", has_text="待核查")).to_contain_text("冻结 160 元")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="导出表格").click()
    text = Path(downloading.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(StringIO(text)))
    assert ["导出人", f"王经办（{office.official.username}）"] in rows
    page.goto(f"{office.url}/admin/audit")
    expect(page.get_by_text("导出数据")).to_be_visible()


def test_an_official_decides_a_case_on_a_phone(
    browser: Browser, held: Resources, office: Office
) -> None:
    page = signed_in(browser, office, PHONE)
    page.get_by_role("link", name="核查", exact=True).click()
    page.get_by_role("link", name="测试小馆").click()
    expect(page.get_by_text("多人共用手机").first).to_be_visible()
    page.get_by_text("解除冻结", exact=True).click()
    page.get_by_label("理由").fill("现场核实，社区集中领券")
    page.get_by_role("button", name="提交结论").click()
    expect(page.locator("h1 + .badge")).to_have_text("已解除")
    expect(page.locator(".history")).to_contain_text("社区集中领券")
    expect(page.get_by_role("button", name="提交结论")).to_have_count(0)
    with transaction(held.sessions) as session:
        assert session.get_one(Case, office.case_id).state == "released"
    assert_invariants(held)


def test_an_official_settles_and_takes_in_the_banks_answer(
    browser: Browser, held: Resources, office: Office, tmp_path: Path
) -> None:
    page = signed_in(browser, office, DESK)
    page.get_by_role("link", name="结算").click()
    page.get_by_role("button", name="发起结算").click()
    expect(page.get_by_text("正在结算")).to_be_visible()
    drain(held.sessions)  # a worker's part; the page asks again by itself
    expect(page.get_by_text("截至所选时间没有待结算的款项。")).to_be_visible(timeout=15_000)

    batch_id, code = _settled(held, office)
    page.goto(f"{office.url}/admin/settlements/{batch_id}")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="下载付款文件").click()
    assert "240.00" in Path(downloading.value.path()).read_text(encoding="utf-8-sig")
    answer = tmp_path / "answer.csv"
    header = "batch_id,position,merchant,amount_yuan,result,bank_reference\n"
    answer.write_text(f"{header}{batch_id},1,{code},239.00,paid,REF1\n")
    page.get_by_label("回执文件").set_input_files(answer)
    page.get_by_role("button", name="导入").click()
    expect(page.get_by_text("第 2 行")).to_be_visible()
    assert_fits(page)
    answer.write_text(f"{header}{batch_id},1,{code},240.00,paid,REF1\n")
    page.get_by_label("回执文件").set_input_files(answer)
    page.get_by_role("button", name="导入").click()
    expect(page.locator("h1 + .badge")).to_have_text("已完成")
    expect(page.locator(".history")).to_contain_text("导入银行回执")
    assert_invariants(held)


def _settled(held: Resources, office: Office) -> tuple[UUID, str]:
    """A batch of the shop's clean orders, of the hour to come."""
    later = office.scene.now + timedelta(hours=1)
    season_id = office.scene.small.season.id
    with transaction(held.sessions) as session:
        batch = settle(session, held.vault, season_id=season_id, cutoff_at=later, now=later)
        assert batch is not None
        return batch.id, office.scene.shop.merchant.code
