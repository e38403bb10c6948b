"""JSON API of the AR hook: public anchors, a resident's sessions, a provider's events."""

from http import HTTPStatus

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem, View
from redemption.ar import queries
from redemption.ar.begin import BeginCommand, begin
from redemption.ar.desk import hand_in
from redemption.ar.errors import ArMediaTypeError
from redemption.ar.schemas import (
    EVENT_MEDIA_TYPE,
    AcceptedView,
    AnchorListView,
    AnchorQuery,
    AnchorView,
    PresenceEvent,
    ProviderPath,
    SessionPath,
    SessionView,
    StartedSessionView,
    StartSessionBody,
    handover_of,
)

_PREFIX = "/api/v1/ar"
_EVENTS = "/providers/<provider>/events"

bp = APIBlueprint(
    "ar",
    __name__,
    url_prefix=_PREFIX,
    abp_tags=[Tag(name="ar", description="Presence proofs by AR providers; see docs/ar.md")],
)


def _by_principal() -> str:
    return str(principal().id)


@bp.get("/anchors", responses={200: AnchorListView, 400: Problem})
@require(Kind.ANYONE)
@limiter.limit("120/minute")
def list_anchors(query: AnchorQuery) -> tuple[Response, HTTPStatus]:
    """Places where presence can be proven."""
    with transaction(resources().sessions) as session:
        found = queries.anchors(session, after=query.after, limit=query.limit + 1)
    page = found[: query.limit]
    return _answer(
        AnchorListView(
            items=[AnchorView.of(anchor) for anchor in page],
            next=page[-1].code if len(found) > query.limit else None,
        )
    )


@bp.post(
    "/sessions",
    responses={201: StartedSessionView, 400: Problem, 401: Problem, 403: Problem, 404: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT, real_name=True)
@limiter.limit("20/minute", key_func=_by_principal)
def start_session(body: StartSessionBody) -> tuple[Response, HTTPStatus]:
    """Begin at an anchor: a nonce for the AR platform, good for ten minutes and one proof."""
    command = BeginCommand(
        resident_id=principal().id,
        anchor_id=body.anchor_id,
        voucher_id=body.voucher_id,
        order_fen=body.order_fen,
    )
    with transaction(resources().sessions) as session:
        begun = begin(session, command, now=db_now(session))
    return _answer(
        StartedSessionView(
            session_id=begun.id,
            nonce=begun.nonce,
            expires_at=begun.expires_at,
            anchor=AnchorView.of(begun.anchor),
            handover=handover_of(begun.id, begun.nonce),
        ),
        HTTPStatus.CREATED,
    )


@bp.get(
    "/sessions/<uuid:session_id>",
    responses={200: SessionView, 401: Problem, 404: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT)
@limiter.limit("120/minute", key_func=_by_principal)
def show_session(path: SessionPath) -> tuple[Response, HTTPStatus]:
    """What became of one's own session."""
    with transaction(resources().sessions) as session:
        found = queries.own_session(session, principal().id, path.session_id)
        view = SessionView.of(found, db_now(session))
    return _answer(view)


@bp.post(
    _EVENTS,
    responses={200: AcceptedView, 400: Problem, 401: Problem, 404: Problem, 409: Problem},
    security=[{"ar_provider": []}],
)
@require(Kind.AR_PROVIDER)
@limiter.limit("1200/minute", key_func=_by_principal)
def receive_event(path: ProviderPath, body: PresenceEvent) -> tuple[Response, HTTPStatus]:  # noqa: ARG001  # path is the authenticator's
    """A presence proof: CloudEvents 1.0 JSON, signed by Standard Webhooks over the raw body."""
    if request.mimetype != EVENT_MEDIA_TYPE:
        raise ArMediaTypeError
    accepted = hand_in(principal().id, request.headers["webhook-id"], request.get_data(), body.data)
    return _answer(AcceptedView(**vars(accepted)))


def _describe_media_type() -> None:
    """The description library knows only application/json for bodies."""
    operation = bp.paths[_PREFIX + _EVENTS.replace("<", "{").replace(">", "}")].post
    operation.requestBody.content = {
        EVENT_MEDIA_TYPE: operation.requestBody.content["application/json"]
    }


_describe_media_type()


def _answer(view: View, status: HTTPStatus = HTTPStatus.OK) -> tuple[Response, HTTPStatus]:
    return jsonify(view.model_dump()), status
