"""The residents' pages as a browser without JavaScript uses them: forms and redirects only."""

import re
from datetime import date, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from coupon_service.campaigns.models import Release
from coupon_service.campaigns.release import close, pause
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.issuance.errors import TooYoungError
from coupon_service.residents.models import Resident
from coupon_service.vouchers.models import Voucher
from tests.factories.ar import resident_client
from tests.factories.campaigns import make_campaign, make_release, make_season, open_release
from tests.factories.people import make_resident
from tests.factories.redemption import make_counter
from tests.factories.residents import fresh_id_number, fresh_phone, signed_in_browser
from tests.invariants import assert_invariants

HTML = {"Accept": "text/html"}
SAYS_CODE = re.compile(r"验证码是 (\d{6})")


def _open(held: Resources, **terms: object) -> UUID:
    with transaction(held.sessions) as session:
        return open_release(session, **terms)  # type: ignore[arg-type]  # columns of a campaign


def _resident(app: OpenAPI, held: Resources) -> FlaskClient:
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
    return resident_client(app, resident_id)


def _claim(browser: FlaskClient, release_id: UUID, **form: object) -> TestResponse:
    return browser.post(f"/releases/{release_id}/claim", data=form, headers=HTML)


def _vouchers(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(Voucher)).scalar_one()


def test_a_newcomer_gets_from_the_home_page_to_a_voucher_by_forms_alone(
    app: OpenAPI, held: Resources
) -> None:
    release_id = _open(held)
    browser = app.test_client()
    detail = f"/campaigns/{release_id}"
    assert detail in browser.get("/").text
    assert "立即领取" in browser.get(detail).text

    came_from = {**HTML, "Referer": f"http://localhost{detail}"}
    door = browser.post(f"/releases/{release_id}/claim", headers=came_from)
    assert door.status_code == 303
    assert door.location == f"/sign-in?next=%2Fcampaigns%2F{release_id}"
    phone = fresh_phone()
    page = browser.get(door.location).text
    assert f'name="next" value="{detail}"' in page
    page = browser.post("/sign-in/code", data={"phone": phone, "next": detail}).text
    code = SAYS_CODE.search(page)
    assert code is not None
    back = browser.post("/sign-in", data={"phone": phone, "code": code[1], "next": detail})
    assert (back.status_code, back.location) == (303, detail)

    door = browser.post(f"/releases/{release_id}/claim", headers=came_from)
    assert door.location == f"/real-name?next=%2Fcampaigns%2F{release_id}"
    form = {"name": "张三", "id_number": fresh_id_number(), "next": detail}
    assert browser.post("/real-name", data=form).location == detail

    claimed = _claim(browser, release_id)
    assert claimed.status_code == 303
    voucher = browser.get(claimed.location).text
    assert "领取成功" in voucher
    assert "<svg" in voucher
    assert re.search(r"\d{4} \d{4} \d{4}", voucher)
    assert "去使用" in browser.get(detail).text
    assert _vouchers(held) == 1
    assert_invariants(held)


@pytest.mark.parametrize(
    ("page", "door"),
    [
        ("/wallet?shelf=used", "/sign-in?next=%2Fwallet%3Fshelf%3Dused"),
        ("/me", "/sign-in?next=%2Fme"),
        ("/till/", "/till/sign-in?next=%2Ftill%2F"),
        ("/merchant/", "/merchant/sign-in?next=%2Fmerchant%2F"),
        ("/admin/", "/admin/sign-in?next=%2Fadmin%2F"),
    ],
)
def test_a_visitor_who_is_not_signed_in_is_shown_the_door_of_that_area(
    client: FlaskClient, page: str, door: str
) -> None:
    answer = client.get(page, headers=HTML)
    assert (answer.status_code, answer.location) == (303, door)


def test_programs_are_told_and_not_led_away(client: FlaskClient) -> None:
    answer = client.get("/api/v1/me", headers=HTML)
    assert (answer.status_code, answer.get_json()["slug"]) == (401, "not-signed-in")


def test_signing_in_never_leads_to_another_site(app: OpenAPI) -> None:
    browser = signed_in_browser(app, verified=False)
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        assert browser.get("/sign-in", query_string={"next": elsewhere}).location == "/"


def test_a_wrong_phone_or_code_is_said_beside_its_field(client: FlaskClient) -> None:
    page = client.post("/sign-in/code", data={"phone": "12345"})
    assert page.status_code == 400
    assert "请填写 11 位手机号" in page.text
    phone = fresh_phone()
    page = client.post("/sign-in/code", data={"phone": f"{phone[:3]} {phone[3:7]}-{phone[7:]}"})
    assert page.status_code == 200
    for typed, status in (("abc", 400), ("", 400), ("1" * 400, 400)):
        page = client.post("/sign-in", data={"phone": phone, "code": typed})
        assert page.status_code == status
        assert "请填写短信中的 6 位数字" in page.text


def test_a_wrong_identity_number_is_not_written_back(app: OpenAPI, held: Resources) -> None:
    browser = signed_in_browser(app, verified=False)
    for typed in ("110105194912310021", "9" * 5000):
        page = browser.post("/real-name", data={"name": "张三", "id_number": typed})
        assert page.status_code == 400
        assert "证件号码有误" in page.text
        assert typed not in page.text
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Resident.verified_at))).scalar_one() == 0


def test_a_browser_learns_that_the_name_was_confirmed_on_another(app: OpenAPI) -> None:
    phone = fresh_phone()
    first = signed_in_browser(app, phone, verified=False)
    signed_in_browser(app, phone, verified=True)
    answer = first.get("/real-name?next=/me")
    assert (answer.status_code, answer.location) == (303, "/me")
    assert "coupon_resident" in answer.headers["Set-Cookie"]


def test_a_refused_claim_is_said_in_words_and_changes_nothing(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        sold_out = make_release(session, make_campaign(session, small), quantity=1).id
        early = make_release(session, make_campaign(session, small), opens_in=timedelta(hours=1)).id
        paused = make_release(session, make_campaign(session, small)).id
        pause(session, paused)
        closed = make_release(session, make_campaign(session, small)).id
        close(session, closed, now=db_now(session))
    assert _claim(_resident(app, held), sold_out).status_code == 303
    late = _resident(app, held)
    refusals = {
        sold_out: "已领完",
        early: "还没到领取时间",
        paused: "暂停中",
        closed: "已经结束",
    }
    for release_id, sentence in refusals.items():
        answer = _claim(late, release_id)
        assert answer.status_code == 409
        assert sentence in answer.text
    assert _claim(late, UUID(int=0)).status_code == 404
    assert _vouchers(held) == 1
    assert_invariants(held)


@pytest.mark.parametrize("ordinal", ["2", "0", "-1", "９", "x", "1" * 50])
def test_a_second_coupon_of_a_single_one_is_refused_or_the_first_again(
    app: OpenAPI, held: Resources, ordinal: str
) -> None:
    release_id = _open(held)
    browser = _resident(app, held)
    first = _claim(browser, release_id)
    again = _claim(browser, release_id, ordinal=ordinal)
    assert again.status_code == 409 or again.location == first.location
    assert _vouchers(held) == 1


def test_two_per_person_can_be_claimed_one_after_the_other(app: OpenAPI, held: Resources) -> None:
    release_id = _open(held, per_person=2)
    browser = _resident(app, held)
    for ordinal in (1, 2):
        page = browser.get(f"/campaigns/{release_id}").text
        assert f'name="ordinal" value="{ordinal}"' in page
        assert _claim(browser, release_id, ordinal=ordinal).status_code == 303
    assert "data-claim" not in browser.get(f"/campaigns/{release_id}").text
    assert _vouchers(held) == 2


def test_somebody_elses_voucher_is_as_unknown_as_none(app: OpenAPI, held: Resources) -> None:
    release_id = _open(held)
    owner, stranger = _resident(app, held), _resident(app, held)
    address = _claim(owner, release_id).location.partition("?")[0]
    pages = [stranger.get(path, headers=HTML) for path in (address, f"/vouchers/{UUID(int=7)}")]
    assert [page.status_code for page in pages] == [404, 404]
    assert all("没有找到这张消费券" in page.text for page in pages)


def test_the_wallet_has_three_shelves_and_only_usable_vouchers_show_a_code(
    app: OpenAPI, held: Resources
) -> None:
    browser = _resident(app, held)
    addresses = [
        _claim(browser, _open(held, name=name)).location.partition("?")[0]
        for name in ("常用券", "用掉券", "过期券")
    ]
    _, used, expired = (UUID(address.rpartition("/")[2]) for address in addresses)
    with transaction(held.sessions) as session:
        now = db_now(session)
        session.execute(
            update(Voucher).where(Voucher.id == used).values(state="redeemed", redeemed_at=now)
        )
        # No job has marked this one yet.
        session.execute(
            update(Voucher)
            .where(Voucher.id == expired)
            .values(valid_from=now - timedelta(days=2), expires_at=now)
        )
    for shelf, name in (("usable", "常用券"), ("used", "用掉券"), ("expired", "过期券")):
        page = browser.get(f"/wallet?shelf={shelf}").text
        assert re.findall(r"(常用券|用掉券|过期券)</a>", page) == [name]
    assert [address in browser.get("/wallet?shelf=nonsense").text for address in addresses] == [
        True,
        False,
        False,
    ]
    drawn = ["data-voucher" in browser.get(address).text for address in addresses]
    assert drawn == [True, False, False]


def test_the_home_page_puts_open_releases_under_their_boards(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        for name in ("一券", "二券", "三券", "四券"):
            make_release(session, make_campaign(session, small, name=name))
        make_release(
            session, make_campaign(session, small, name="明天券"), opens_in=timedelta(days=1)
        )
    page = app.test_client().get("/").text
    assert "测试消费季" in page
    assert "测试board" in page
    assert "全部 4 场" in page
    assert ("三券" in page, "四券" in page) == (True, False)
    assert "下一场" in page
    one_board = app.test_client().get("/?board=board").text
    assert "四券" in one_board
    assert app.test_client().get("/?board=%00%22%3E").status_code == 200


def test_a_sold_out_release_says_so_on_the_home_page(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=1)
    assert "已领完" not in app.test_client().get("/").text
    _claim(_resident(app, held), release_id)
    assert "已领完" in app.test_client().get("/").text


def test_the_home_page_works_while_redis_is_away(
    app: OpenAPI, held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coupon_service.mobile.window.FRESH_S", 0)
    _claim(_resident(app, held), _open(held))
    assert "剩 99 张" in app.test_client().get("/").text
    held.hints.connection_pool.connection_kwargs["path"] = "/nowhere"
    held.hints.connection_pool.reset()
    page = app.test_client().get("/")
    assert page.status_code == 200
    assert "满50减20" in page.text
    assert "剩" not in page.text


def test_without_any_season_the_pages_say_so_kindly(client: FlaskClient) -> None:
    assert "现在没有正在发放的消费券" in client.get("/").text


def test_a_campaigns_page_lists_the_stores_where_it_works(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        make_counter(session, small.district, name="茶铺", category="茶", zone="马连道")
        make_counter(session, small.district, name="面馆", category="餐饮", zone="新街口")
        campaign = make_campaign(session, small, scope={"categories": ["茶"]})
        release: Release = make_release(session, campaign)
    page = app.test_client().get(f"/campaigns/{release.id}").text
    assert ("茶铺" in page, "面馆" in page) == (True, False)
    assert "满 50 元减 20 元" in page


def test_a_draft_is_nobodys_business(app: OpenAPI, held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        now = db_now(session)
        draft = Release(
            id=UUID(int=9),
            campaign_id=campaign.id,
            name="草稿",
            quantity=1,
            opens_at=now,
            closes_at=now + timedelta(days=1),
        )
        session.add(draft)
    page = app.test_client().get(f"/campaigns/{UUID(int=9)}", headers=HTML)
    assert page.status_code == 404
    assert "草稿" not in page.text


def test_names_are_text_and_never_markup(app: OpenAPI, held: Resources) -> None:
    release_id = _open(held, name="<script>alert(1)</script>\"'", summary="<img src=x>")
    browser = _resident(app, held)
    address = _claim(browser, release_id).location
    for path in ("/", f"/campaigns/{release_id}", "/wallet", address):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page


def test_english_is_one_switch_away_and_stays(app: OpenAPI, held: Resources) -> None:
    release_id = _open(held)
    browser = app.test_client()
    switched = browser.post(
        "/language", data={"language": "en"}, headers={"Referer": "http://localhost/"}
    )
    assert switched.location == "/"
    page = browser.get(f"/campaigns/{release_id}").text
    assert '<html lang="en">' in page
    assert "¥20 off from ¥50" in page
    assert "Claim now" in page


def test_static_files_are_kept_by_browsers_and_travel_compressed(client: FlaskClient) -> None:
    address = re.findall(r'href="(/static/core/components.css\?v=\w+)"', client.get("/").text)[0]
    plain = client.get(address)
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in plain.headers["Cache-Control"]
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.data) < len(plain.data) / 2
    known = {"If-None-Match": packed.headers["ETag"], "Accept-Encoding": "gzip"}
    assert client.get(address, headers=known).status_code == 304


def test_an_offer_says_in_advance_which_condition_the_visitor_does_not_meet(
    app: OpenAPI, held: Resources
) -> None:
    release_id = _open(held, eligibility={"min_age": 60})
    with transaction(held.sessions) as session:
        young = make_resident(session)
        old = make_resident(session, born_on=date(1950, 3, 1))
    sentence = TooYoungError.sentence
    page = f"/campaigns/{release_id}"
    assert sentence in resident_client(app, young).get(page).text
    assert sentence not in resident_client(app, old).get(page).text
    assert sentence not in app.test_client().get(page).text
    assert _vouchers(held) == 0


def test_the_same_voucher_page_shows_each_visitor_their_own(app: OpenAPI, held: Resources) -> None:
    release_id = _open(held)
    pages = []
    for _ in range(2):
        browser = _resident(app, held)
        address = _claim(browser, release_id).location
        pages.append(browser.get(address).text)
        voucher_id = address.removeprefix("/vouchers/").partition("?")[0]
        assert f'data-voucher="{voucher_id}"' in pages[-1]
        assert app.test_client().get(address, headers=HTML).status_code == 303
    for part in (r'data-token="(\w+)"', r'data-viewer="([\w-]+)"', r"data-digits>([\d ]+)<"):
        first, second = (re.search(part, page) for page in pages)
        assert first is not None
        assert second is not None
        assert first[1] != second[1]
    with transaction(held.sessions) as session:
        stranger = make_resident(session)
    assert resident_client(app, stranger).get(address, headers=HTML).status_code == 404
    assert_invariants(held)
