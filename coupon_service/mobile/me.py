"""The resident's own page, and the browsers they are signed in on."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.mobile.documents import document_word
from coupon_service.residents.devices import device_of
from coupon_service.residents.queries import masked
from coupon_service.residents.sessions import end_other_sessions, end_session_of, live_sessions

bp = Blueprint("mobile_me", __name__)


@bp.get("/me")
@require(Kind.RESIDENT)
def me() -> str:
    """The resident's own data, masked, and the way to everything else of theirs."""
    held = resources()
    with transaction(held.sessions) as session:
        resident = masked(session, held.vault, principal().id)
    return render_template(
        "mobile/me.html", resident=resident, document=document_word(resident.id_kind)
    )


@bp.get("/me/sign-ins")
@require(Kind.RESIDENT)
def sign_ins() -> str:
    """The browsers that are signed in."""
    with transaction(resources().sessions) as session:
        rows = live_sessions(session, principal().id, now=db_now(session))
    return render_template(
        "mobile/sign_ins.html",
        sign_ins=[(row, device_words(row.user_agent)) for row in rows],
        here_id=principal().session_id,
    )


@bp.post("/me/sign-ins/<uuid:sign_in_id>/end")
@require(Kind.RESIDENT)
def end_sign_in(sign_in_id: UUID) -> ResponseReturnValue:
    """Sign one browser out."""
    with transaction(resources().sessions) as session:
        end_session_of(session, principal().id, sign_in_id, now=db_now(session))
    return redirect("/me/sign-ins", HTTPStatus.SEE_OTHER)


@bp.post("/me/sign-ins/end-others")
@require(Kind.RESIDENT)
def end_other_sign_ins() -> ResponseReturnValue:
    """Sign every other browser out."""
    who = principal()
    with transaction(resources().sessions) as session:
        end_other_sessions(session, who.id, who.session_id, now=db_now(session))
    return redirect("/me/sign-ins", HTTPStatus.SEE_OTHER)


def device_words(user_agent: str) -> str:
    """`iPhone 上的微信`; as much of it as the browser tells."""
    device = device_of(user_agent)
    browser = {"WeChat": gettext("微信"), "Alipay": gettext("支付宝")}.get(
        device.browser or "", device.browser
    )
    machine = device.model or {
        "Android": gettext("安卓手机"),
        "HarmonyOS": gettext("鸿蒙手机"),
        "Windows": gettext("Windows 电脑"),
        "Mac": gettext("Mac 电脑"),
        "Linux": gettext("Linux 电脑"),
    }.get(device.system or "", device.system)
    if machine and browser:
        return str(gettext("%(machine)s · %(browser)s", machine=machine, browser=browser))
    return str(machine or browser or gettext("未知设备"))
