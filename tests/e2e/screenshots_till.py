"""Draws the counter and the merchant's pages. Run by `tests.e2e.screenshots`."""

import random

from playwright.sync_api import Browser, Page, expect

from coupon_service.core.auth import Kind
from coupon_service.core.settings import Settings
from coupon_service.simulation.demo.people import TILLS, DemoTill, till_key
from coupon_service.simulation.demo.sign_ins import SignIn
from coupon_service.simulation.walk.people import sign_in_somebody
from coupon_service.simulation.walk.visitor import Visitor
from coupon_service.simulation.walk.voucher import claim_path
from tests.harness.screens import draw, page_of
from tests.harness.till_page import LISTENS_AFTER_MS, to_scan, typed

# A store that never closes, and a campaign that it takes part in.
NIGHT_TILL = DemoTill("dashilan-07", 1)
NIGHT = "灯彩夜游券"
# Every store takes it, the owner's too.
DINNER = "周五十点见·满50减20"
CLERKS = {"小王": "4826", "李小梅": "90210", "欧阳建国": "7315"}
PAIRED = TILLS[1].name


class Buyer(Visitor):
    """A resident with a voucher that can be typed at the till."""

    def __init__(self, url: str, campaign: str = NIGHT) -> None:
        super().__init__(url)
        sign_in_somebody(self, random.SystemRandom())
        listed = self.get("/api/v1/releases").json
        now = listed["server_time"]
        release = next(
            one
            for one in listed["releases"]
            if one["campaign"] == campaign and one["opens_at"] <= now < one["closes_at"]
        )
        self.voucher_id = self.put(claim_path(release), expect=201).json["voucher_id"]

    @property
    def code(self) -> str:
        digits: str = self.get(f"/api/v1/vouchers/{self.voucher_id}").json["typed_code"]
        return digits


def till(browser: Browser, url: str, settings: Settings, width: str) -> None:
    page = page_of(browser, url, width)
    page.goto("/till/sign-in?next=/till/shift")
    page.fill("[name=key]", till_key(settings, NIGHT_TILL))
    page.click("main button[type=submit]")
    draw(page, "till-shift-none", width)
    page.get_by_role("button", name="开班").click()
    page.goto("/till/")
    draw(page, "till", width)
    answers(page, url, width)
    orders(page, width)
    page.goto("/till/practice")
    draw(page, "till-practice", width)


def answers(page: Page, url: str, width: str) -> None:
    amount = page.get_by_label("订单金额（元）")
    amount.fill("128.50")
    draw(page, "till-amount", width)
    to_scan(page, "128.50")
    page.wait_for_function("() => document.querySelector('video').videoWidth")
    draw(page, "till-scan", width)
    typed(page, Buyer(url).code)
    expect(page.get_by_role("dialog")).to_contain_text("核销成功")
    draw(page, "till-yes", width)
    next_order(page)
    to_scan(page, "45")
    typed(page, Buyer(url).code)
    expect(page.get_by_role("dialog")).to_contain_text("还差")
    draw(page, "till-no", width)
    quote(page, [Buyer(url).code, Buyer(url).code])
    draw(page, "till-quote", width)


def next_order(page: Page) -> None:
    page.wait_for_timeout(LISTENS_AFTER_MS)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()


def quote(page: Page, codes: list[str]) -> None:
    """As a browser without scripts sends the form."""
    page.goto("/till/")
    page.evaluate(
        """([codes, amount]) => {
          const form = document.querySelector("[data-counter]");
          form.elements.code.remove();
          for (const value of codes)
            form.append(Object.assign(document.createElement("input"), { name: "code", value }));
          form.elements.amount.value = amount;
          form.action = form.querySelector("[formaction]").formAction;
          form.submit();
        }""",
        [codes, "150"],
    )
    expect(page.locator(".verdict")).to_be_visible()


def orders(page: Page, width: str) -> None:
    page.goto("/till/today")
    draw(page, "till-today", width)
    page.locator(".orders__row").first.click()
    expect(page.get_by_role("heading", name="核销成功")).to_be_visible()
    order = page.url
    draw(page, "till-order", width)
    page.get_by_role("link", name="顾客退货，办理退款").click()
    page.get_by_label("退货金额（元）").fill("50")
    page.get_by_role("button", name="算一算退多少").click()
    expect(page.locator("[data-plan]")).to_be_visible()
    draw(page, "till-refund", width)
    page.get_by_role("button", name="确认退款").click()
    expect(page.get_by_role("heading", name="退款已办好")).to_be_visible()
    draw(page, "till-refunded", width)
    page.goto(order)
    draw(page, "till-order-refunded", width)
    page.goto("/till/shift")
    draw(page, "till-shift", width)
    page.locator("summary").click()
    page.get_by_role("button", name="确认结班").click()
    expect(page.get_by_role("heading", name="结班单")).to_be_visible()
    draw(page, "till-shift-closed", width)


def furnish(browser: Browser, url: str, settings: Settings, owner: SignIn) -> None:
    """What a merchant has done before: an order, clerks, and an address for notices."""
    counter = Visitor(url)
    counter.prove(till_key(settings, TILLS[0]))
    vouchers = [{"code": Buyer(url, DINNER).code}]
    order = {"vouchers": vouchers, "order_no": "261-dinner", "order_fen": 128_00}
    counter.post("/api/v1/redemptions", order)
    page = at_portal(browser, url, owner, "desk")
    page.goto("/merchant/tills")
    page.get_by_role("link", name="店员").first.click()
    for name, pin in CLERKS.items():
        page.get_by_label("店员姓名").fill(name)
        page.get_by_label("店员密码").fill(pin)
        page.get_by_role("button", name="添加").click()
        expect(page.get_by_text(name, exact=True)).to_be_visible()
    page.goto("/merchant/interfaces")
    page.get_by_role("textbox", name="地址").fill("https://pos.example.com/xicheng/webhooks")
    page.get_by_role("button", name="添加").click()
    page.goto("/merchant/interfaces")
    page.get_by_role("link", name="https://pos.example.com").click()
    page.get_by_role("button", name="发送测试通知").click()
    page.wait_for_load_state("networkidle")
    page.context.close()


def merchant(browser: Browser, url: str, owner: SignIn, width: str) -> None:
    page = at_portal(browser, url, owner, width)
    draw(page, "merchant", width)
    page.goto("/merchant/interfaces")
    page.get_by_role("button", name="生成密钥").first.click()
    page.get_by_role("link", name="已保存，返回").click()
    draw(page, "merchant-interfaces", width)
    page.get_by_role("link", name="https://pos.example.com").click()
    draw(page, "merchant-webhook", width)
    page.goto("/merchant/tills")
    draw(page, "merchant-tills", width)
    page.get_by_role("link", name="店员").first.click()
    draw(page, "merchant-clerks", width)
    page.goto("/merchant/tills")
    page.get_by_role("link", name=PAIRED).first.click()
    page.get_by_role("button", name="生成配对码").click()
    draw(page, "merchant-pairing", width)
    code = page.locator(".pairing__code").inner_text()
    till_of_clerks(page_of(browser, url, width), code, width)


def till_of_clerks(page: Page, code: str, width: str) -> None:
    page.goto(f"/till/pair?code={code}")
    draw(page, "till-pair", width)
    page.get_by_role("button", name="配对").click()
    page.get_by_role("radio", name="小王").check(force=True)
    draw(page, "till-clerk", width)


def at_portal(browser: Browser, url: str, owner: SignIn, width: str) -> Page:
    assert owner.role is Kind.MERCHANT_OWNER
    page = page_of(browser, url, width)
    page.goto("/merchant/sign-in")
    page.fill("[name=username]", owner.name)
    page.fill("[name=password]", owner.secret)
    page.click("main button[type=submit]")
    page.wait_for_url("**/merchant/")
    return page
