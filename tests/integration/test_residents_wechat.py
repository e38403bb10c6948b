"""WeChat is a real HTTP server here, which speaks the documented JSON on a port of this machine."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from pydantic import SecretStr
from sqlalchemy import select, text
from structlog.testing import capture_logs

from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.settings import Settings, SettingsError, load_settings
from coupon_service.entrypoints.app import create_app
from coupon_service.residents import wechat
from coupon_service.residents.link_wechat import openid_of
from coupon_service.residents.models import WechatLink
from tests.factories.family import id_of
from tests.factories.residents import fresh_phone

HTML = {"Accept": "text/html"}
APP_ID, SECRET = "wx0123456789abcdef", "app-secret-of-this-test"
IN_WECHAT = {**HTML, "User-Agent": "Mozilla/5.0 (Linux; Android 13) MicroMessenger/8.0.43"}


class WeChat(ThreadingHTTPServer):
    """Knows the codes in `openids`, each once; anything else is code 40029."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.openids = {"code-of-li": "oLi_6jYtest-openid", "code-of-wu": "oWu_6jYtest-openid"}
        self.status = 200
        self.asked: list[dict[str, list[str]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: WeChat

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        self.server.asked.append(query)
        openid = self.server.openids.get(query["code"][0])
        if parts.path != "/sns/oauth2/access_token" or query["secret"] != [SECRET]:
            said: dict[str, object] = {"errcode": 40125, "errmsg": "invalid appsecret"}
        elif openid is None:
            said = {"errcode": 40029, "errmsg": "invalid code"}
        else:
            said = {
                "access_token": "ACCESS_TOKEN",
                "expires_in": 7200,
                "refresh_token": "REFRESH_TOKEN",
                "openid": openid,
                "scope": "snsapi_base",
            }
        body = orjson.dumps(said)
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/plain")  # as WeChat does
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[WeChat]:
    server = WeChat()
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def app(settings: Settings, server: WeChat) -> Iterator[OpenAPI]:
    here = f"http://127.0.0.1:{server.server_port}"
    changed = {
        "wechat_authorize": f"{here}/connect/oauth2/authorize",
        "wechat_api": here,
        "wechat_app_id": APP_ID,
        "wechat_app_secret": SecretStr(SECRET),
    }
    app = create_app(settings.model_copy(update=changed))
    with app.app_context():
        yield app
        resources().engine.dispose()


def _go(browser: FlaskClient, wanted: str = "/wallet") -> str:
    """Set out for WeChat; returns the state it was given."""
    away = browser.get("/sign-in/wechat", query_string={"next": wanted}, headers=HTML)
    assert away.status_code == 303
    assert away.location.endswith("#wechat_redirect")
    parts = urlsplit(away.location)
    asked = parse_qs(parts.query)
    assert list(asked) == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert asked["redirect_uri"] == ["http://localhost/sign-in/wechat/back"]
    (state,) = asked["state"]
    assert state.isalnum()
    assert len(state) <= 128
    return state


def _back(browser: FlaskClient, state: str, code: str = "code-of-li") -> object:
    query = {"code": code, "state": state}
    return browser.get("/sign-in/wechat/back", query_string=query, headers=HTML)


def _sign_in_by_phone(browser: FlaskClient, phone: str, wanted: str) -> None:
    page = browser.post("/sign-in/code", data={"phone": phone, "next": wanted}).text
    code = page.partition("验证码是 ")[2][:6]
    done = browser.post("/sign-in", data={"phone": phone, "code": code, "next": wanted})
    assert (done.status_code, done.location) == (303, wanted)


def test_the_phone_is_asked_once_and_then_wechat_is_enough(app: OpenAPI) -> None:
    first = app.test_client()
    answer = _back(first, _go(first))
    assert answer.location == "/sign-in?next=/wallet"  # type: ignore[attr-defined]
    assert "首次用微信登录" in first.get("/sign-in?next=/wallet").text
    phone = fresh_phone()
    _sign_in_by_phone(first, phone, "/wallet")
    second = app.test_client()
    answer = _back(second, _go(second, "/me"))
    assert answer.location == "/me"  # type: ignore[attr-defined]
    assert id_of(second) == id_of(first)
    with transaction(resources().sessions) as session:
        openid = openid_of(session, resources().vault, id_of(first))
        assert openid == "oLi_6jYtest-openid"
        stored = session.execute(text("SELECT t::text FROM wechat_links t")).scalar_one()
    assert openid.encode().hex() not in stored


def test_another_wechat_account_is_another_person(app: OpenAPI) -> None:
    li, wu = app.test_client(), app.test_client()
    for browser, code in ((li, "code-of-li"), (wu, "code-of-wu")):
        _back(browser, _go(browser), code)
        _sign_in_by_phone(browser, fresh_phone(), "/")
    assert id_of(li) != id_of(wu)


def test_an_answer_to_another_browser_signs_nobody_in(app: OpenAPI, server: WeChat) -> None:
    """The attacker sends the victim a link that ends the attacker's own sign-in."""
    attacker, victim = app.test_client(), app.test_client()
    state = _go(attacker)
    assert _back(victim, state).status_code == 403  # type: ignore[attr-defined]
    _go(victim)
    assert _back(victim, state).status_code == 403  # type: ignore[attr-defined]
    assert server.asked == []
    assert victim.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("altered", ["", "0" * 72, "x" * 500, "Ａ" * 72])
def test_a_state_that_is_not_this_services_is_refused(
    app: OpenAPI, server: WeChat, altered: str
) -> None:
    browser = app.test_client()
    state = _go(browser)
    assert _back(browser, altered).status_code == 403  # type: ignore[attr-defined]
    last = "0" if state[-1] != "0" else "1"
    assert _back(browser, state[:-1] + last).status_code == 403  # type: ignore[attr-defined]
    assert server.asked == []


def test_a_state_ages(app: OpenAPI) -> None:
    state, nonce = wechat.new_state(1_000)
    assert wechat.state_holds(state, nonce, 1_000 + wechat.STATE_LASTS_S)
    assert not wechat.state_holds(state, nonce, 1_001 + wechat.STATE_LASTS_S)


def test_a_code_that_wechat_does_not_know_signs_nobody_in(app: OpenAPI) -> None:
    browser = app.test_client()
    state = _go(browser)
    with capture_logs() as lines:
        answer = _back(browser, state, "another-code")
    assert answer.status_code == 403  # type: ignore[attr-defined]
    assert "微信登录未完成" in answer.text  # type: ignore[attr-defined]
    assert SECRET not in str(lines)
    assert "another-code" not in str(lines)
    with transaction(resources().sessions) as session:
        assert session.execute(select(WechatLink)).first() is None


def test_a_wechat_that_is_away_is_said_and_the_phone_still_works(
    app: OpenAPI, server: WeChat
) -> None:
    browser = app.test_client()
    server.status = 502
    answer = _back(browser, _go(browser))
    assert answer.status_code == 503  # type: ignore[attr-defined]
    assert int(answer.headers["Retry-After"]) > 0  # type: ignore[attr-defined]
    _sign_in_by_phone(browser, fresh_phone(), "/")


def test_a_made_up_account_in_the_cookie_links_nothing(app: OpenAPI) -> None:
    browser = app.test_client()
    browser.set_cookie("coupon_wechat_openid", "b1dpX21hZGUtdXA=", path="/sign-in")
    _sign_in_by_phone(browser, fresh_phone(), "/")
    with transaction(resources().sessions) as session:
        assert session.execute(select(WechatLink)).first() is None


def test_the_button_is_there_inside_wechat_only(app: OpenAPI) -> None:
    browser = app.test_client()
    assert "/sign-in/wechat" in browser.get("/sign-in", headers=IN_WECHAT).text
    assert "/sign-in/wechat" not in browser.get("/sign-in", headers=HTML).text


def test_where_wechat_is_not_set_up_there_is_no_such_page(settings: Settings) -> None:
    app = create_app(settings)
    with app.app_context():
        browser = app.test_client()
        assert browser.get("/sign-in/wechat", headers=HTML).status_code == 404
        assert "/sign-in/wechat" not in browser.get("/sign-in", headers=IN_WECHAT).text
        resources().engine.dispose()


def test_half_of_the_settings_is_told_as_a_fault() -> None:
    with pytest.raises(SettingsError, match="COUPON_WECHAT"):
        load_settings(env="test", wechat_app_id=APP_ID)
