"""Claim codes on the phone: type one, or open the address that a group chat or a poster has."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from coupon_service.campaigns.queries import release_or_refuse
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, TooManyRequestsError, UnavailableError
from coupon_service.core.resources import resources
from coupon_service.issuance.codes import throttle
from coupon_service.issuance.codes.code_text import normalised, shown
from coupon_service.issuance.codes.desk import claim_here
from coupon_service.issuance.codes.errors import ClaimCodeNotGoodError
from coupon_service.issuance.codes.queries import code_typed, is_good, used_for
from coupon_service.issuance.device import remember_device

bp = Blueprint("mobile_codes", __name__)
bp.after_request(remember_device)


@bp.get("/codes")
@require(Kind.RESIDENT)
def enter_code() -> str:
    """Where a code is typed."""
    return render_template("mobile/codes.html", typed="", error=None)


@bp.get("/c/<code>")
@require(Kind.RESIDENT)
@throttle.networks
@throttle.residents
def open_code(code: str) -> ResponseReturnValue:
    """What the code brings, and the button that claims it: looking uses nothing up."""
    held = resources()
    try:
        with throttle.counting_wrong_codes(), transaction(held.sessions) as session:
            now = db_now(session)
            found = code_typed(session, held.vault, code)
            voucher_id = used_for(session, found.id, principal().id)
            if voucher_id is None and not is_good(found, now):
                raise ClaimCodeNotGoodError
            release = release_or_refuse(session, found.release_id)
    except ClaimCodeNotGoodError as error:
        return _form(code, error)
    if voucher_id is not None:
        return redirect(_voucher(voucher_id), HTTPStatus.SEE_OTHER)
    return render_template("mobile/code.html", code=shown(normalised(code) or ""), release=release)


@bp.post("/codes")
@require(Kind.RESIDENT, real_name=True)
@throttle.networks
@throttle.residents
def use_code() -> ResponseReturnValue:
    """Claim, and show the voucher; or say in words why not."""
    typed = request.form.get("code", "")[:80]
    try:
        granted = claim_here(typed)
    except ClaimCodeNotGoodError as error:
        return _form(typed, error)
    except (ConflictError, TooManyRequestsError, UnavailableError) as error:
        page = render_template("mobile/refused.html", error=error, release_id=_release_id(typed))
        response = make_response(page, error.status)
        if error.retry_after_s is not None:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    return redirect(_voucher(granted.voucher.voucher_id, claimed=1), HTTPStatus.SEE_OTHER)


def _form(typed: str, error: ClaimCodeNotGoodError) -> Response:
    page = render_template("mobile/codes.html", typed=typed[:20], error=error)
    return make_response(page, error.status)


def _release_id(typed: str) -> UUID:
    with transaction(resources().sessions) as session:
        return code_typed(session, resources().vault, typed).release_id


def _voucher(voucher_id: UUID, claimed: int | None = None) -> str:
    return url_for("mobile_wallet.voucher", voucher_id=voucher_id, claimed=claimed)
