"""Signing in and out."""

from http import HTTPStatus

from flask import Response, make_response, redirect, render_template, request
from pydantic import ValidationError
from sqlalchemy import select

from admin import throttle
from admin.errors import SignInRefusedError
from admin.models import Official
from admin.pages.blueprint import bp
from admin.schemas import SignInBody
from admin.sign_in import sign_in, usable_code
from coupon_service.core.auth import OFFICE, Kind, end_session, principal, require, start_session
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.display import return_path
from coupon_service.core.errors import InvalidRequestError, ProblemError
from coupon_service.core.resources import resources

HOME = "/admin/"
HINTS_MAX = 6


@bp.get("/sign-in")
@require(Kind.ANYONE)
def show_sign_in() -> Response:
    """The form; on a development service, with codes that work now."""
    return _form(None)


@bp.post("/sign-in")
@require(Kind.ANYONE)
@throttle.addresses
@throttle.names
def submit_sign_in() -> Response:
    """Sign in, and go where the visitor wanted to."""
    fields = {name: request.form.get(name, "") for name in SignInBody.model_fields}
    fields["code"] = fields["code"].replace(" ", "")
    held = resources()
    response = make_response(
        redirect(return_path(request.args.get("next"), HOME), HTTPStatus.SEE_OTHER)
    )
    try:
        body = SignInBody.model_validate(fields)
        with transaction(held.sessions) as session:
            official = sign_in(
                session,
                held.vault,
                username=body.username,
                password=body.password,
                code=body.code,
                now=db_now(session),
            )
            start_session(session, official, response)
    except ValidationError:
        return _form(InvalidRequestError())
    except SignInRefusedError as refusal:
        return _form(refusal)
    return response


@bp.post("/sign-out")
@require(*OFFICE)
def sign_out() -> Response:
    """Sign out here."""
    response = make_response(redirect("/admin/sign-in", HTTPStatus.SEE_OTHER))
    with transaction(resources().sessions) as session:
        end_session(session, principal(), response)
    return response


def _form(refusal: ProblemError | None) -> Response:
    held = resources()
    hints: list[tuple[str, str]] = []
    if held.settings.is_development:
        with transaction(held.sessions) as session:
            now = db_now(session)
            officials = session.scalars(
                select(Official).order_by(Official.created_at, Official.id).limit(HINTS_MAX)
            )
            hints = [(each.username, usable_code(held.vault, each, now)) for each in officials]
    page = render_template(
        "admin/sign_in.html",
        refusal=refusal,
        username=request.form.get("username", "")[:40],
        hints=hints,
    )
    return make_response(page, refusal.status if refusal else HTTPStatus.OK)
