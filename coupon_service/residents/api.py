"""`/api/v1/sign-in` and `/api/v1/me`."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import Kind, end_session, principal, require
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from coupon_service.residents.desk import confirm_own_name, send_code, sign_in_browser
from coupon_service.residents.queries import masked
from coupon_service.residents.schemas import (
    CodeBody,
    CodeSentView,
    MeView,
    RealNameBody,
    SignedInView,
    SignInBody,
)

bp = APIBlueprint("residents_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Residents")])
_RESIDENT: list[dict[str, list[str]]] = [{"resident": []}]


@bp.post("/sign-in/codes", responses={202: CodeSentView, 429: Problem, 503: Problem})
@require(Kind.ANYONE)
def create_code(body: CodeBody) -> tuple[Response, HTTPStatus]:
    """Send a one-time code to a phone. The answer is the same whether or not the phone is known."""
    code = send_code(body.phone)
    view = CodeSentView(expires_in_s=resources().settings.sign_in_code_ttl_s, code=code)
    return jsonify(view.model_dump()), HTTPStatus.ACCEPTED


@bp.post("/sign-in", responses={200: SignedInView, 403: Problem, 429: Problem})
@require(Kind.ANYONE)
def create_sign_in(body: SignInBody) -> Response:
    """Sign in by phone and code: the answer sets the cookie."""
    response = Response(mimetype="application/json")
    signed_in = sign_in_browser(body.phone, body.code, response)
    view = SignedInView(resident_id=signed_in.id, verified=signed_in.verified)
    response.data = view.model_dump_json()
    return response


@bp.post("/sign-out", responses={204: None}, security=_RESIDENT)
@require(Kind.RESIDENT)
def create_sign_out() -> Response:
    """Sign out: the session is revoked everywhere, not only on this browser."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    with transaction(resources().sessions) as session:
        end_session(session, principal(), response)
    return response


@bp.get("/me", responses={200: MeView}, security=_RESIDENT)
@require(Kind.RESIDENT)
def show_me() -> Response:
    """The signed-in resident's own data, masked."""
    return jsonify(_me(principal().id).model_dump())


@bp.post(
    "/me/real-name",
    responses={200: MeView, 409: Problem, 429: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT)
def create_real_name(body: RealNameBody) -> Response:
    """Confirm name and document. Repeating the same document is harmless.

    Somebody known before without a phone, as a child or at a counter, is that resident from now on.
    """
    response = Response(mimetype="application/json")
    resident_id = confirm_own_name(
        body.name, body.id_number, response, kind=body.kind, born_on=body.born_on
    )
    response.data = _me(resident_id).model_dump_json()
    return response


def _me(resident_id: UUID) -> MeView:
    held = resources()
    with transaction(held.sessions) as session:
        found = masked(session, held.vault, resident_id)
    return MeView(
        resident_id=found.id,
        verified=found.verified,
        phone=found.phone,
        name=found.name,
        id_number=found.id_number,
    )
