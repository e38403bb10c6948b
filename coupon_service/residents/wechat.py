"""Signing in with WeChat: 公众号网页授权, scope `snsapi_base`: who it is and no more.

https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
The browser goes to WeChat with a `state`, comes back with a `code`, and the code is exchanged for
the openid from server to server. Off unless all four `COUPON_WECHAT_*` settings are given.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol, cast
from urllib.parse import urlencode

import httpx
from flask import Flask, current_app

from coupon_service.core.log import get_logger
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import resources
from coupon_service.core.settings import Settings
from coupon_service.residents.errors import WechatAwayError, WechatRefusedError

_EXTENSION = "residents.wechat"
_TIMEOUT_S = 5.0
STATE_LASTS_S = 600
# WeChat hands back letters and digits only, 128 at most.
_STATE = re.compile(r"(?P<nonce>[0-9a-f]{32})(?P<until>[0-9a-f]{8})(?P<proof>[0-9a-f]{32})")
_CODE = re.compile(r"[\w-]{1,128}", re.ASCII)
_OPENID = re.compile(r"[\w-]{6,128}", re.ASCII)

log = get_logger(__name__)


class IdentityProvider(Protocol):
    """Somebody else who knows the visitor and says who it is, always by the same word."""

    def authorize_url(self, back: str, state: str) -> str:
        """Where the browser goes; it returns to `back` with `code` and `state`."""
        ...

    def subject(self, code: str) -> str:
        """Who that was.

        Raises:
            WechatRefusedError: the code is not, or no longer, good.
            WechatAwayError: nobody answered.
        """
        ...


class WechatAccount:
    """A WeChat public account's web authorization."""

    def __init__(self, *, authorize: str, api: str, app_id: str, app_secret: str) -> None:
        self._authorize = authorize
        self._address = f"{api.rstrip('/')}/sns/oauth2/access_token"
        self._app_id = app_id
        self._secret = app_secret
        # Nothing of the environment: a proxy variable must not lead secrets elsewhere.
        self._client = httpx.Client(timeout=_TIMEOUT_S, trust_env=False)

    def authorize_url(self, back: str, state: str) -> str:
        # In this order: WeChat compares the address with a pattern.
        query = urlencode(
            {
                "appid": self._app_id,
                "redirect_uri": back,
                "response_type": "code",
                "scope": "snsapi_base",
                "state": state,
            }
        )
        return f"{self._authorize}?{query}#wechat_redirect"

    def subject(self, code: str) -> str:
        if not _CODE.fullmatch(code):
            raise WechatRefusedError
        try:
            answer = self._client.get(
                self._address,
                params={
                    "appid": self._app_id,
                    "secret": self._secret,
                    "code": code,
                    "grant_type": "authorization_code",
                },
            )
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("wechat failed", reason=type(error).__name__)
            raise WechatAwayError(retry_after_s=30) from None
        if not answer.is_success or not isinstance(said, Mapping):
            log.warning("wechat failed", status=answer.status_code)
            raise WechatAwayError(retry_after_s=30)
        openid = said.get("openid")
        if not isinstance(openid, str) or not _OPENID.fullmatch(openid):
            log.warning("wechat refused a code", errcode=_errcode(said))
            raise WechatRefusedError
        return openid


def make_wechat(settings: Settings) -> IdentityProvider | None:
    """The provider these settings name, or None."""
    if (
        settings.wechat_authorize is None
        or settings.wechat_api is None
        or settings.wechat_app_id is None
        or settings.wechat_app_secret is None
    ):
        return None
    return WechatAccount(
        authorize=settings.wechat_authorize,
        api=settings.wechat_api,
        app_id=settings.wechat_app_id,
        app_secret=settings.wechat_app_secret.get_secret_value(),
    )


def init_wechat(app: Flask) -> None:
    """Give the application its provider."""
    with app.app_context():
        app.extensions[_EXTENSION] = make_wechat(resources().settings)


def wechat() -> IdentityProvider | None:
    """The application's provider; None where WeChat is not set up."""
    return cast("IdentityProvider | None", current_app.extensions[_EXTENSION])


def new_state(now_s: int) -> tuple[str, str]:
    """A state to send through WeChat, and the nonce that the same browser must bring back."""
    nonce = secrets.token_hex(16)
    until = f"{now_s + STATE_LASTS_S:08x}"
    return f"{nonce}{until}{_proof(nonce, until)}", nonce


def state_holds(state: str, nonce: str, now_s: int) -> bool:
    """Whether this service made the state, for this browser, not long ago."""
    found = _STATE.fullmatch(state)
    return (
        found is not None
        and hmac.compare_digest(found["nonce"], nonce)
        and hmac.compare_digest(found["proof"], _proof(found["nonce"], found["until"]))
        and int(found["until"], 16) >= now_s
    )


def _proof(nonce: str, until: str) -> str:
    key = derive_key(resources().settings.secret_key.get_secret_value(), "wechat-state/1")
    return hmac.digest(key, f"{nonce}{until}".encode(), sha256).hex()[:32]


def _errcode(said: Mapping[str, object]) -> int | None:
    code = said.get("errcode")
    return code if isinstance(code, int) else None
