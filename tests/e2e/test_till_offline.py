"""Real browsers at tills without a network: they go on, forget nothing, and tell it afterwards."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Response
from flask_openapi3 import OpenAPI
from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright
from sqlalchemy import func, select

from coupon_service.core.auth import Kind, Principal, start_session
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from redemption.models import Order
from redemption.offline.models import OfflineAlarm, OfflineRecord, RecordOutcome
from tests.factories.offline import ShownPhone, allow_offline, shown_phone
from tests.factories.redemption import Counter, Market, make_counter, make_market
from tests.harness.browser import CHROMIUM, NEEDS_CHROMIUM
from tests.harness.web import web_server
from tests.invariants import assert_invariants

pytestmark = NEEDS_CHROMIUM
LISTENS_AFTER_MS = 450


@dataclass
class Arcade:
    """A running service with two merchants that may trade offline, two vouchers to a till."""

    app: OpenAPI
    held: Resources
    market: Market
    there: Counter
    url: str

    def shown(self) -> ShownPhone:
        return shown_phone(self.held, self.market)

    @property
    def outcomes(self) -> list[str]:
        with transaction(self.held.sessions) as session:
            return sorted(session.scalars(select(OfflineRecord.outcome)))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"offline_vouchers_max": 2, "web_workers": 1})


@pytest.fixture
def arcade(app: OpenAPI, held: Resources, settings: Settings) -> Iterator[Arcade]:
    with transaction(held.sessions) as session:
        market = make_market(session)
        there = make_counter(session, market.small.district)
    allow_offline(held, market, market.counter)
    allow_offline(held, market, there)
    with web_server(settings) as url:
        yield Arcade(app, held, market, there, url)
    assert_invariants(held)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


def opened(
    playwright: Playwright, arcade: Arcade, profile: Path, counter: Counter
) -> BrowserContext:
    """A browser with a profile on the disk, signed in at the counter, once it has a lease."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=CHROMIUM,
        args=sandbox,
        base_url=arcade.url,
        locale="zh-CN",
        viewport={"width": 360, "height": 780},
    )
    response = Response()
    who = Principal(
        Kind.TILL,
        counter.till.id,
        district_id=counter.merchant.district_id,
        merchant_id=counter.merchant.id,
    )
    with arcade.app.test_request_context(), transaction(arcade.held.sessions) as session:
        start_session(session, who, response)
    name, _, value = response.headers["Set-Cookie"].partition(";")[0].partition("=")
    context.add_cookies([{"name": name, "value": value, "url": arcade.url}])
    return context


def leased(page: Page) -> None:
    """Wait until nothing waits, and a lease is there that counts from here."""
    page.wait_for_function(
        """async () => {
          const { standing } = await import("/till/static/offline/offline.js");
          const now = await standing();
          const { active } = await navigator.serviceWorker.ready;
          return active && now?.waiting === 0 && now.vouchers === 2;
        }"""
    )


def at_counter(context: BrowserContext) -> Page:
    """The counter's page, leased and kept by its worker."""
    page = context.pages[0] if context.pages else context.new_page()
    page.goto("/till/")
    leased(page)
    return page


def redeem(page: Page, code: str, *, amount: str = "80") -> None:
    page.get_by_label("订单金额（元）").fill(amount)
    page.get_by_role("button", name="扫码", exact=True).click()
    page.evaluate(
        """(code) => {
          for (const key of [...code, "Enter"])
            document.activeElement.dispatchEvent(
              new KeyboardEvent("keydown", { bubbles: true, cancelable: true, key }));
        }""",
        code,
    )


def expect_yes(page: Page) -> None:
    card = page.get_by_role("dialog")
    expect(card.get_by_role("heading", name="核销成功")).to_be_visible()
    expect(card.get_by_text("顾客应付 ¥60")).to_be_visible()
    expect(card.get_by_text("离线核销，已存在本机")).to_be_visible()
    page.wait_for_timeout(LISTENS_AFTER_MS)
    card.get_by_role("button", name="下一单").click()


def expect_no(page: Page, sentence: str) -> None:
    card = page.get_by_role("dialog")
    expect(card.get_by_text(sentence)).to_be_visible()
    page.wait_for_timeout(LISTENS_AFTER_MS)
    card.get_by_role("button", name="改金额").click()


def back_online(context: BrowserContext, page: Page) -> None:
    context.set_offline(False)
    leased(page)
    expect(page.get_by_text("笔待上传")).to_be_hidden()


def test_two_tills_in_the_basement_take_one_voucher_and_one_of_them_wins(
    playwright: Playwright, arcade: Arcade, tmp_path: Path
) -> None:
    shown = arcade.shown()
    contexts = [
        opened(playwright, arcade, tmp_path / name, counter)
        for name, counter in (("here", arcade.market.counter), ("there", arcade.there))
    ]
    pages = [at_counter(context) for context in contexts]
    for context, page in zip(contexts, pages, strict=True):
        context.set_offline(True)
        expect(page.get_by_text("离线收银：可用")).to_be_visible()
        redeem(page, shown.code())
        expect_yes(page)
        expect(page.get_by_text("1 笔待上传")).to_be_visible()
        # Once on this device, whatever is shown.
        redeem(page, shown.code())
        expect_no(page, "这张消费券已经使用过了。")
    assert arcade.outcomes == []
    for context, page in zip(contexts, pages, strict=True):
        back_online(context, page)
        context.close()
    assert arcade.outcomes == [RecordOutcome.CONFLICT, RecordOutcome.REDEEMED]


def test_killing_the_browser_loses_nothing(
    playwright: Playwright, arcade: Arcade, tmp_path: Path
) -> None:
    profile, counter = tmp_path / "profile", arcade.market.counter
    context = opened(playwright, arcade, profile, counter)
    page = at_counter(context)
    context.set_offline(True)
    redeem(page, arcade.shown().code())
    expect(page.get_by_role("dialog").get_by_role("heading", name="核销成功")).to_be_visible()
    _kill(profile)
    context = opened(playwright, arcade, profile, counter)
    context.set_offline(True)
    page = context.pages[0]
    # The page, too, is there without a network.
    page.goto("/till/")
    expect(page.get_by_text("1 笔待上传")).to_be_visible()
    back_online(context, page)
    assert arcade.outcomes == [RecordOutcome.REDEEMED]
    context.close()


def _kill(profile: Path) -> None:
    """SIGKILL every process of the browser that has this profile, found by its own lock."""
    owner = int(str((profile / "SingletonLock").readlink()).rpartition("-")[2])
    os.kill(owner, signal.SIGKILL)


def test_caps_leases_old_codes_and_forgeries_are_refused_without_a_network(
    playwright: Playwright, arcade: Arcade, tmp_path: Path
) -> None:
    context = opened(playwright, arcade, tmp_path, arcade.market.counter)
    page = at_counter(context)
    context.set_offline(True)
    old = arcade.shown()
    redeem(page, old.code(datetime.now(UTC) - timedelta(seconds=60)))
    expect_no(page, "请顾客刷新")
    code = old.code()
    redeem(page, code[:-9] + ("A" if code[-9] != "A" else "B") + code[-8:])
    expect_no(page, "没有认出这张消费券")
    redeem(page, old.token)
    expect_no(page, "出示会自动刷新的二维码")
    redeem(page, old.code(), amount="49.99")
    expect_no(page, "订单金额没有达到使用门槛。")
    for shown in (old, arcade.shown()):
        redeem(page, shown.code())
        expect_yes(page)
    redeem(page, arcade.shown().code())
    expect_no(page, "离线收银的额度已用完")
    day_later = "(at) => localStorage.setItem('till.clock', String(at))"
    page.evaluate(day_later, 25 * 3_600_000)
    later = arcade.shown()
    redeem(page, later.code(datetime.now(UTC) + timedelta(hours=25)))
    expect_no(page, "离线收银的时限已到")
    page.evaluate(day_later, 0)
    back_online(context, page)
    assert arcade.outcomes == [RecordOutcome.REDEEMED] * 2
    context.close()


RESTORE: dict[str, Any] = {
    "take": """() => new Promise((done) => {
      const asked = indexedDB.open("till-offline");
      asked.onsuccess = () => {
        const head = asked.result.transaction("kept").objectStore("kept").get("head");
        head.onsuccess = () => { globalThis.backup = head.result; asked.result.close(); done(); };
      };
    })""",
    "restore": """() => new Promise((done) => {
      const asked = indexedDB.open("till-offline");
      asked.onsuccess = () => {
        const both = asked.result.transaction(["kept", "records"], "readwrite");
        both.objectStore("records").clear();
        both.objectStore("kept").put(globalThis.backup, "head");
        both.oncomplete = () => { asked.result.close(); done(); };
      };
    })""",
}


def test_storage_that_was_rolled_back_raises_an_alarm(
    playwright: Playwright, arcade: Arcade, tmp_path: Path
) -> None:
    context = opened(playwright, arcade, tmp_path, arcade.market.counter)
    page = at_counter(context)
    page.evaluate(RESTORE["take"])
    context.set_offline(True)
    redeem(page, arcade.shown().code())
    expect_yes(page)
    back_online(context, page)
    page.evaluate(RESTORE["restore"])
    context.set_offline(True)
    redeem(page, arcade.shown().code())
    expect_yes(page)
    context.set_offline(False)
    expect(page.get_by_text("本收银台的离线收银已停用")).to_be_visible()
    with transaction(arcade.held.sessions) as session:
        assert session.scalars(select(OfflineAlarm.kind)).all() == ["fork"]
        assert session.scalar(select(func.count()).select_from(Order)) == 1
    assert arcade.outcomes == [RecordOutcome.BROKEN, RecordOutcome.REDEEMED]
    context.close()
