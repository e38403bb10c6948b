"""Signing in with WeChat: out to WeChat, and back with who it is."""

import base64
from http import HTTPStatus
from time import time

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer

from coupon_service.core.auth import Kind, require
from coupon_service.core.display import return_path
from coupon_service.core.errors import NotFoundError
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import resources
from coupon_service.residents.desk import sign_in_by_wechat
from coupon_service.residents.errors import WechatRefusedError
from coupon_service.residents.throttle import admit_wechat
from coupon_service.residents.wechat import (
    STATE_LASTS_S,
    IdentityProvider,
    new_state,
    state_holds,
    wechat,
)

_STATE_COOKIE = "coupon_wechat_state"
_OPENID_COOKIE = "coupon_wechat_openid"
_FIELD = "wechat-pending"
_PATH = "/sign-in"

bp = Blueprint("mobile_wechat", __name__)


@bp.get("/sign-in/wechat")
@require(Kind.ANYONE)
def go() -> ResponseReturnValue:
    """Send the browser to WeChat; a cookie ties what comes back to this very browser."""
    provider = _provider()
    state, nonce = new_state(int(time()))
    wanted = return_path(request.args.get("next"))
    response = redirect(provider.authorize_url(_back(), state), HTTPStatus.SEE_OTHER, Response)
    _set(response, _STATE_COOKIE, _signer().dumps([nonce, wanted]))  # type: ignore[arg-type]  # a flask.Response
    return response


@bp.get("/sign-in/wechat/back")
@require(Kind.ANYONE)
def back() -> ResponseReturnValue:
    """Sign in whom WeChat names; the first time, ask for the phone once."""
    provider = _provider()
    admit_wechat()
    nonce, wanted = _started()
    if not state_holds(request.args.get("state", ""), nonce, int(time())):
        raise WechatRefusedError
    openid = provider.subject(request.args.get("code", ""))
    response = redirect(return_path(wanted), HTTPStatus.SEE_OTHER, Response)
    if sign_in_by_wechat(openid, response) is None:  # type: ignore[arg-type]  # a flask.Response
        ask = url_for("mobile_sign_in.sign_in", next=return_path(wanted))
        response = redirect(ask, HTTPStatus.SEE_OTHER, Response)
        _set(response, _OPENID_COOKIE, _sealed(openid))  # type: ignore[arg-type]  # a flask.Response
    response.delete_cookie(_STATE_COOKIE, path=_PATH)
    return response


def offers_wechat() -> bool:
    """Whether this page is open inside WeChat, and WeChat is set up."""
    return wechat() is not None and "MicroMessenger" in request.user_agent.string


def pending_openid() -> str | None:
    """Whom WeChat named in this browser a moment ago, waiting for a phone."""
    raw = request.cookies.get(_OPENID_COOKIE)
    if not raw:
        return None
    try:
        clear = resources().vault.open(_FIELD, base64.urlsafe_b64decode(raw)).decode()
    except Exception:  # noqa: BLE001  # somebody made it up: as good as none
        return None
    until, _, openid = clear.partition(":")
    return openid if int(until) >= time() else None


def forget_pending(response: Response) -> None:
    """The phone has been given: the cookie has done its work."""
    if _OPENID_COOKIE in request.cookies:
        response.delete_cookie(_OPENID_COOKIE, path=_PATH)


def _provider() -> IdentityProvider:
    found = wechat()
    if found is None:
        raise NotFoundError
    return found


def _back() -> str:
    site = resources().settings.public_url or request.host_url
    return site.rstrip("/") + url_for("mobile_wechat.back")


def _started() -> tuple[str, str]:
    try:
        nonce, wanted = _signer().loads(request.cookies.get(_STATE_COOKIE, ""))
    except (BadSignature, ValueError, TypeError):
        raise WechatRefusedError from None
    return str(nonce), str(wanted)


def _sealed(openid: str) -> str:
    until = int(time()) + STATE_LASTS_S
    sealed = resources().vault.seal(_FIELD, f"{until}:{openid}".encode())
    return base64.urlsafe_b64encode(sealed).decode()


def _set(response: Response, name: str, value: str) -> None:
    site = resources().settings.public_url or ""
    response.set_cookie(
        name,
        value,
        max_age=STATE_LASTS_S,
        path=_PATH,
        httponly=True,
        samesite="Lax",
        secure=site.startswith("https://"),
    )


def _signer() -> URLSafeSerializer:
    secret = resources().settings.secret_key.get_secret_value()
    return URLSafeSerializer(derive_key(secret, "wechat-cookie/1"))
