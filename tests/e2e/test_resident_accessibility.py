"""Every page of a resident, large and small, in both languages: it fits, and WCAG 2.2 AA holds."""

import re
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from coupon_service.campaigns.models import Mode, Release
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from tests.e2e.conftest import DESK, LONG_NAME, Phones, Town
from tests.factories.campaigns import make_campaign, make_release
from tests.factories.redemption import make_voucher
from tests.harness.browser import NEEDS_CHROMIUM

# WCAG 2.2, 2.5.8: a target inside a sentence may be as low as its line.
TARGET_PX_MIN = 24

pytestmark = NEEDS_CHROMIUM


@pytest.mark.parametrize(
    "look",
    [
        {},
        {"language": "en"},
        {"large": True},
        {"large": True, "language": "en"},
        {"size": DESK},
    ],
    ids=["phone", "phone-english", "large", "large-english", "desk"],
)
def test_every_page_fits_its_screen_and_meets_wcag(
    phones: Phones, town: Town, held: Resources, look: dict[str, Any]
) -> None:
    with transaction(held.sessions) as session:
        old_rule = {"min_age": 60, "holds_no_other": True}
        old = make_campaign(session, town.small, name="乐龄券", eligibility=old_rule)
        elders = make_release(session, old)
        by_lot = make_release(session, make_campaign(session, town.small, name="抽签券"))
        by_lot.mode = Mode.LOTTERY
        soon = make_campaign(session, town.small, name=LONG_NAME)
        make_release(session, soon, opens_in=timedelta(days=2))
        voucher_id = make_voucher(
            session, session.get_one(Release, town.single_id), resident_id=town.resident_id
        )
    context = phones(**look)
    page = context.new_page()
    for path in (
        "/",
        town.detail,
        f"/campaigns/{town.single_id}",
        f"/campaigns/{elders.id}",
        f"/campaigns/{by_lot.id}",
        "/stores",
        "/stores?zone=西单",
        "/wallet",
        f"/vouchers/{voucher_id}",
        "/me",
        "/nothing-here",
    ):
        page.goto(path)
        inspect(page)
    page.goto(f"/campaigns/{elders.id}")
    page.get_by_role("button", name=re.compile("立即领取|Claim now")).click()
    expect(page.get_by_role("alert")).to_be_visible()
    inspect(page)
    stranger = phones(None, **look).new_page()
    for path in ("/", "/sign-in"):
        stranger.goto(path)
        inspect(stranger)


def inspect(page: Page) -> None:
    """Nothing is cut off sideways, nothing is too small to tap, and axe finds nothing."""
    excess_px = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert excess_px <= 0, f"{page.url} is {excess_px}px too wide"
    small = page.evaluate(_TOO_SMALL, TARGET_PX_MIN)
    assert small == [], f"{page.url}: {small}"
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


_TOO_SMALL = """least => [...document.querySelectorAll("a, button, summary, input, select")]
  .filter((one) => one.checkVisibility() && !one.closest(".skip, p, li, dd, .visually-hidden"))
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width && one.type !== "hidden"
    && (box.width < least - 0.5 || box.height < least - 0.5)
    && !one.matches(".ticket__name a"))
  .map(([one, box]) => `${one.outerHTML.slice(0, 90)} ${box.width}x${box.height}`)"""
