"""`/api/v1/household`: who acts for whom."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel

from coupon_service.core.auth import Kind, require
from coupon_service.core.schemas import Problem
from coupon_service.residents.family_desk import (
    add_to_family,
    invite_relative,
    look_at_invitation,
    own_family,
    say_no,
    say_yes,
    take_up_invitation,
)
from coupon_service.residents.schemas import (
    DependentBody,
    DependentView,
    HouseholdView,
    InvitationCodeBody,
    InvitationPreview,
    InvitationView,
    InviteBody,
    TieView,
)

bp = APIBlueprint(
    "household_api", __name__, url_prefix="/api/v1/household", abp_tags=[Tag(name="Household")]
)
_RESIDENT: list[dict[str, list[str]]] = [{"resident": []}]


class ProxyPath(BaseModel):
    proxy_id: UUID


@bp.get("", responses={200: HouseholdView}, security=_RESIDENT)
@require(Kind.RESIDENT)
def show_household() -> Response:
    """Everybody the resident acts for, is acted for by, asks or is asked by."""
    ties = [
        TieView(**{name: getattr(tie, name) for name in TieView.model_fields})
        for tie in own_family()
    ]
    return jsonify(HouseholdView(ties=ties).model_dump())


@bp.post("/invitations", responses={201: InvitationView, 409: Problem}, security=_RESIDENT)
@require(Kind.RESIDENT, real_name=True)
def create_invitation(body: InviteBody) -> tuple[Response, HTTPStatus]:
    """Invite a relative, who takes it up with the code within a day."""
    proxy, code = invite_relative(body.role)
    assert proxy.expires_at is not None
    view = InvitationView(proxy_id=proxy.id, code=code, expires_at=proxy.expires_at)
    return jsonify(view.model_dump()), HTTPStatus.CREATED


@bp.post(
    "/invitations/look",
    responses={200: InvitationPreview, 404: Problem, 429: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT, real_name=True)
def preview_invitation(body: InvitationCodeBody) -> Response:
    """Who invites; nothing changes. The code is in the body, so that no log keeps it."""
    found = look_at_invitation(body.code)
    return jsonify(InvitationPreview(asker=found.asker, role=found.role).model_dump())


@bp.post(
    "/invitations/accept",
    responses={204: None, 404: Problem, 409: Problem, 429: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT, real_name=True)
def accept(body: InvitationCodeBody) -> Response:
    """Take up an invitation: both have agreed, and the one may act for the other."""
    take_up_invitation(body.code)
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.post(
    "/dependents",
    responses={201: DependentView, 409: Problem, 429: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT, real_name=True)
def create_dependent(body: DependentBody) -> tuple[Response, HTTPStatus]:
    """Add a child, or ask to act for an adult without a phone."""
    state = add_to_family(body.relation, body.name, body.kind, body.id_number, body.born_on)
    return jsonify(DependentView(state=state).model_dump()), HTTPStatus.CREATED


@bp.post(
    "/proxies/<uuid:proxy_id>/consent",
    responses={204: None, 404: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT, real_name=True)
def create_consent(path: ProxyPath) -> Response:
    """Say yes to a request."""
    say_yes(path.proxy_id)
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.delete("/proxies/<uuid:proxy_id>", responses={204: None, 404: Problem}, security=_RESIDENT)
@require(Kind.RESIDENT)
def delete_proxy(path: ProxyPath) -> Response:
    """End a proxy, decline a request or take an invitation back."""
    say_no(path.proxy_id)
    return Response(status=HTTPStatus.NO_CONTENT)
