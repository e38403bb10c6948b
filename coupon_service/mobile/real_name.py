"""The real name: asked for once, before the first coupon."""

from http import HTTPStatus

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.db import transaction
from coupon_service.core.display import return_path
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import resources
from coupon_service.mobile.documents import document_form, typed_document
from coupon_service.residents.desk import confirm_own_name, mark_verified
from coupon_service.residents.queries import masked

bp = Blueprint("mobile_real_name", __name__)


@bp.get("/real-name")
@require(Kind.RESIDENT)
def real_name() -> ResponseReturnValue:
    """Ask for the name and the document."""
    wanted = return_path(request.args.get("next"))
    held = resources()
    with transaction(held.sessions) as session:
        known = masked(session, held.vault, principal().id).verified
    if known:  # done on another browser: this one's cookie learns of it
        response = redirect(wanted, HTTPStatus.SEE_OTHER, Response)
        mark_verified(response)  # type: ignore[arg-type]  # a flask.Response
        return response
    return render_template("mobile/real_name.html", wanted=wanted, **document_form())


@bp.post("/real-name")
@require(Kind.RESIDENT)
def enter_real_name() -> ResponseReturnValue:
    """Confirm the real name, and go on."""
    wanted = return_path(request.form.get("next"))
    response = redirect(wanted, HTTPStatus.SEE_OTHER, Response)
    try:
        typed = typed_document()
        confirm_own_name(
            typed.name,
            typed.id_number,
            response,  # type: ignore[arg-type]  # a flask.Response
            kind=typed.kind,
            born_on=typed.born_on,
        )
    except ProblemError as error:
        page = render_template("mobile/real_name.html", wanted=wanted, **document_form(error))
        return page, int(error.status)
    return response
