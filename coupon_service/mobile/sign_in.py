"""Signing in by phone, and out."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import TypeAdapter, ValidationError

from coupon_service.core.auth import Kind, end_session, principal, require, signed_in
from coupon_service.core.db import transaction
from coupon_service.core.display import return_path
from coupon_service.core.errors import InvalidRequestError, ProblemError
from coupon_service.core.resources import resources
from coupon_service.mobile.wechat import forget_pending, offers_wechat, pending_openid
from coupon_service.residents.desk import send_code, sign_in_browser
from coupon_service.residents.schemas import Code, Phone

RESEND_AFTER_S = 60

bp = Blueprint("mobile_sign_in", __name__)

_phone: TypeAdapter[str] = TypeAdapter(Phone)
_code: TypeAdapter[str] = TypeAdapter(Code)


class InvalidPhoneError(InvalidRequestError):
    slug = "invalid-phone"
    title = "This is not a mobile phone number of mainland China"
    sentence = "请填写 11 位手机号。"


class InvalidCodeError(InvalidRequestError):
    slug = "invalid-code"
    title = "A code has six digits"
    sentence = "请填写短信中的 6 位数字。"


@bp.get("/sign-in")
@require(Kind.ANYONE)
def sign_in() -> ResponseReturnValue:
    """Ask for the phone."""
    wanted = return_path(request.args.get("next"))
    if signed_in(Kind.RESIDENT) is not None:
        return redirect(wanted, HTTPStatus.SEE_OTHER)
    return _sign_in_page(wanted=wanted)


@bp.post("/sign-in/code")
@require(Kind.ANYONE)
def ask_code() -> ResponseReturnValue:
    """Send a code, then ask for it."""
    typed = _typed_phone()
    try:
        phone = _checked(_phone, typed, InvalidPhoneError)
        code = send_code(phone)
    except ProblemError as error:
        # Once a code is on its way, its field stays: asking again too soon must not take it away.
        waiting = "code_sent" in request.form and not isinstance(error, InvalidPhoneError)
        return _sign_in_page(phone=typed, error=error, step="code" if waiting else "phone")
    return _sign_in_page(phone=phone, step="code", shown_code=code)


@bp.post("/sign-in")
@require(Kind.ANYONE)
def enter_code() -> ResponseReturnValue:
    """Sign in, and go where the visitor wanted to go."""
    response = redirect(return_path(request.form.get("next")), HTTPStatus.SEE_OTHER, Response)
    typed = _typed_phone()
    try:
        phone = _checked(_phone, typed, InvalidPhoneError)
        code = typed_code()
        sign_in_browser(phone, code, response, openid=pending_openid())  # type: ignore[arg-type]  # a flask.Response
    except ProblemError as error:
        step = "phone" if isinstance(error, InvalidPhoneError) else "code"
        return _sign_in_page(phone=typed, error=error, step=step)
    forget_pending(response)  # type: ignore[arg-type]  # a flask.Response
    return response


@bp.post("/sign-out")
@require(Kind.RESIDENT)
def sign_out() -> ResponseReturnValue:
    """End the session."""
    response = redirect("/", HTTPStatus.SEE_OTHER, Response)
    with transaction(resources().sessions) as session:
        end_session(session, principal(), response)  # type: ignore[arg-type]  # a flask.Response
    return response


def typed_code() -> str:
    """The six digits of the form.

    Raises:
        InvalidCodeError
    """
    return _checked(_code, request.form.get("code", "").strip(), InvalidCodeError)


def _typed_phone() -> str:
    """What was typed as a phone: blanks and hyphens are how people write it."""
    return request.form.get("phone", "")[:20].replace(" ", "").replace("-", "")


def _checked(shape: TypeAdapter[str], typed: str, refusal: type[ProblemError]) -> str:
    try:
        return shape.validate_python(typed)
    except ValidationError:
        raise refusal from None


def _sign_in_page(
    *,
    wanted: str | None = None,
    phone: str = "",
    step: str = "phone",
    error: ProblemError | None = None,
    shown_code: str | None = None,
) -> ResponseReturnValue:
    context: dict[str, Any] = {
        "wanted": wanted or return_path(request.form.get("next")),
        "phone": phone,
        "step": step,
        "error": error,
        "shown_code": shown_code,
        "resend_after_s": RESEND_AFTER_S,
        "from_wechat": pending_openid() is not None,
        "offers_wechat": offers_wechat(),
    }
    page = render_template("mobile/sign_in.html", **context)
    if error is None:
        return page
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return page, int(error.status), headers
