"""A small town of residents' pages, and phones to look at them with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

from coupon_service.core.db import transaction
from coupon_service.core.display import LARGE, TEXT_SIZE_COOKIE
from coupon_service.core.resources import Resources
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.factories.redemption import make_counter
from tests.harness.browser import launch
from tests.harness.in_process import ORIGIN, serve_in_process
from tests.harness.web import resident_cookie
from tests.invariants import assert_invariants

PHONE: ViewportSize = {"width": 360, "height": 780}
DESK: ViewportSize = {"width": 1280, "height": 800}
LONG_NAME = "老字号糕点铺与非遗手工坊联合满额立减消费券（冬至节令特别加发场·限西城区参与门店）"


@dataclass(frozen=True)
class Town:
    """A season with stores, an open release, one with a single seat, and a resident."""

    small: SmallSeason
    release_id: UUID
    single_id: UUID
    resident_id: UUID

    @property
    def detail(self) -> str:
        return f"/campaigns/{self.release_id}"


Phones = Callable[..., BrowserContext]


@pytest.fixture
def town(held: Resources) -> Iterator[Town]:
    with transaction(held.sessions) as session:
        small = make_season(session)
        make_counter(session, small.district)
        make_counter(session, small.district, name="西单书店", zone="西单", lat=39.913, lon=116.373)
        release = make_release(session, make_campaign(session, small, name="街巷小馆券"))
        single = make_release(session, make_campaign(session, small, name=LONG_NAME), quantity=1)
        yielded = Town(small, release.id, single.id, make_resident(session))
    yield yielded
    assert_invariants(held)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def phones(town: Town, app: OpenAPI, browser: Browser) -> Iterator[Phones]:
    """Makes phones that talk to the application in this process. No script on them may fail."""
    faults: list[str] = []
    opened: list[BrowserContext] = []

    def make(
        who: UUID | None = town.resident_id,
        *,
        size: ViewportSize = PHONE,
        large: bool = False,
        language: str = "zh-CN",
    ) -> BrowserContext:
        context = browser.new_context(base_url=ORIGIN, viewport=size, locale=language)
        opened.append(context)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        serve_in_process(context, app)
        if who is not None:
            name, _, value = resident_cookie(app, who).partition("=")
            context.add_cookies([{"name": name, "value": value, "url": ORIGIN}])
        if large:
            context.add_cookies([{"name": TEXT_SIZE_COOKIE, "value": LARGE, "url": ORIGIN}])
        return context

    yield make
    for context in opened:
        context.close()
    assert faults == []
