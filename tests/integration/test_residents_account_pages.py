"""The account's pages as a browser without JavaScript uses them."""

from flask_openapi3 import OpenAPI

from tests.factories.family import adult
from tests.factories.residents import fresh_phone, signed_in_browser

HTML = {"Accept": "text/html"}
PASSPORT = {"name": "John Smith", "kind": "passport", "id_number": "EA 123-4567"}


def test_a_passport_needs_a_birthday_which_is_asked_for_beside_its_field(app: OpenAPI) -> None:
    browser = signed_in_browser(app, verified=False)
    asked = browser.post("/real-name", data=PASSPORT)
    assert asked.status_code == 400
    assert "请填写出生日期" in asked.text
    assert '<option value="passport" data-birth selected>' in asked.text
    assert "4567" not in asked.text
    nonsense = browser.post("/real-name", data={**PASSPORT, "born_on": "30.2.1990"})
    assert "出生日期有误" in nonsense.text
    done = browser.post("/real-name", data={**PASSPORT, "born_on": "1990-02-28", "next": "/me"})
    assert done.location == "/me"
    page = browser.get("/me").text
    assert "护照号码" in page
    assert "E*******7" in page


def test_the_way_from_me_leads_to_everything_of_ones_own(app: OpenAPI) -> None:
    browser = adult(app)
    page = browser.get("/me").text
    for address in ("/household", "/me/data", "/me/sign-ins"):
        assert f'href="{address}"' in page
        assert browser.get(address).status_code == 200


def test_an_unknown_browser_is_signed_out_by_a_form(app: OpenAPI) -> None:
    phone = fresh_phone()
    here = signed_in_browser(app, phone, verified=False)
    assert "退出其他所有设备" not in here.get("/me/sign-ins").text
    for _ in range(2):
        signed_in_browser(app, phone, verified=False)
    page = here.get("/me/sign-ins").text
    assert page.count("本机") == 1
    address = page.partition('action="/me/sign-ins/')[2].partition('"')[0]
    assert here.post(f"/me/sign-ins/{address}").location == "/me/sign-ins"
    assert here.get("/me/sign-ins").text.count('class="card person"') == 2
    here.post("/me/sign-ins/end-others")
    assert here.get("/me/sign-ins").text.count('class="card person"') == 1


def test_every_page_is_whole_in_english(app: OpenAPI) -> None:
    browser = adult(app)
    for path in (
        "/me",
        "/me/sign-ins",
        "/me/data",
        "/me/data/erase",
        "/household",
        "/household/invite",
        "/household/join",
        "/household/add/child",
        "/household/add/elder",
        "/goodbye",
    ):
        page = browser.get(path, headers={**HTML, "Accept-Language": "en"}).text
        assert '<html lang="en"' in page
        said = page.replace("中文", "").replace("张**", "")
        assert [char for char in said if "\u4e00" <= char <= "\u9fff"] == [], path
