"""`/merchant`: a merchant's person signs in and sees what is owed, held, on its way and paid."""

from http import HTTPStatus

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from coupon_service.core.auth import Kind, end_session, principal, require, start_session
from coupon_service.core.db import transaction
from coupon_service.core.display import return_path
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources
from merchants.auth import sign_in
from merchants.errors import MerchantNotFoundError, WrongPasswordError
from merchants.models import Merchant
from merchants.portal import merchant_seasons, statement

bp = Blueprint(
    "merchants",
    __name__,
    url_prefix="/merchant",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)


def _username() -> str:
    return request.form.get("username", "").strip().lower()[:80]


@bp.get("/")
@require(Kind.MERCHANT_OWNER)
def show_statement() -> str:
    """Balance, last redemptions and last payouts of one season."""
    merchant_id = principal().merchant_id
    assert merchant_id is not None, "a merchant's person belongs to a merchant"
    with transaction(resources().sessions) as session:
        merchant = session.get(Merchant, merchant_id)
        if merchant is None:
            raise MerchantNotFoundError
        seasons = merchant_seasons(session, merchant_id)
        wanted = request.args.get("season")
        season = next((s for s in seasons if s.code == wanted), seasons[0] if seasons else None)
        found = statement(session, season.id, merchant_id) if season else None
    return render_template(
        "merchants/statement.html",
        merchant=merchant,
        seasons=seasons,
        season=season,
        statement=found,
    )


@bp.get("/sign-in")
@require(Kind.ANYONE)
def show_sign_in() -> str:
    """The form."""
    return _form()


@bp.post("/sign-in")
@require(Kind.ANYONE)
@limiter.limit("20/minute; 200/day")
@limiter.limit("5/minute; 50/day", key_func=lambda: f"merchant-user/{_username()}")
def do_sign_in() -> ResponseReturnValue:
    """Sign in by user name and password; guessing is throttled by address and by name."""
    response = redirect(return_path(request.args.get("next"), url_for("merchants.show_statement")))
    try:
        with transaction(resources().sessions) as session:
            user = sign_in(session, _username(), request.form.get("password", ""))
            start_session(session, user, response)  # type: ignore[arg-type]  # Flask's Response
    except WrongPasswordError as error:
        return _form(error=error.sentence), HTTPStatus.UNAUTHORIZED
    return response


@bp.post("/sign-out")
@require(Kind.MERCHANT_OWNER)
def do_sign_out() -> Response:
    """End this browser's session."""
    response = make_response(redirect(url_for("merchants.show_sign_in")))
    with transaction(resources().sessions) as session:
        end_session(session, principal(), response)
    return response


def _form(error: str | None = None) -> str:
    return render_template("merchants/sign_in.html", username=_username(), error=error)
