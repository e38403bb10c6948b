"""The refund's page where scripts run: what is confirmed is what was worked out."""

from flask_openapi3 import OpenAPI
from playwright.sync_api import Browser, expect

from coupon_service.campaigns.models import RefundPolicy
from coupon_service.core.resources import Resources
from tests.e2e.conftest import PHONE
from tests.factories.refunds import Shop
from tests.harness.browser import NEEDS_CHROMIUM
from tests.harness.in_process import ORIGIN, serve_in_process
from tests.invariants import assert_invariants

pytestmark = NEEDS_CHROMIUM


def test_another_amount_takes_the_old_answer_away_until_it_is_worked_out(
    browser: Browser, app: OpenAPI, held: Resources
) -> None:
    shop = Shop(held)
    order = shop.sold(RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY)
    context = browser.new_context(viewport=PHONE, base_url=ORIGIN, locale="zh-CN")
    serve_in_process(context, app)
    page = context.new_page()
    page.goto("/till/sign-in")
    page.get_by_label("密钥").fill(shop.counter.key)
    page.locator("main").get_by_role("button").first.click()
    page.goto(f"/till/orders/{order.order_no}")
    page.get_by_role("link", name="顾客退货，办理退款").click()
    confirm = page.get_by_role("button", name="确认退款")
    expect(confirm).to_have_text("确认退款 7 元")
    page.get_by_label("退货金额").fill("9")
    expect(confirm).to_be_hidden()
    page.get_by_role("button", name="算一算退多少").click()
    expect(confirm).to_have_text("确认退款 6.30 元")
    confirm.dblclick()
    expect(page.get_by_role("heading", name="退款已办好")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("¥6.30")
    assert shop.receipt(order.order_no).refunded_fen == 900
    context.close()
    assert_invariants(held)
