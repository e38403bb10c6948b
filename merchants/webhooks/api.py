"""`/api/v1/webhooks`: where a merchant's systems are told of things, and what they were told."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.limits import limiter
from coupon_service.core.read_request import reads_address, reads_json
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from merchants.webhooks.endpoints import add_endpoint, change_endpoint, remove_endpoint
from merchants.webhooks.queries import deliveries_to, endpoint_of, endpoints_of
from merchants.webhooks.queue import send_again, send_test
from merchants.webhooks.schemas import (
    DeliveryList,
    DeliveryPath,
    DeliveryView,
    EndpointBody,
    EndpointList,
    EndpointPath,
    EndpointView,
    LogQuery,
    NewEndpointBody,
    SecretView,
)
from merchants.webhooks.secret import rotate_secret

bp = APIBlueprint(
    "webhooks_api",
    __name__,
    url_prefix="/api/v1/webhooks",
    abp_tags=[Tag(name="Webhooks", description="Standard Webhooks to merchants; see docs/pos.md")],
    abp_security=[{"merchant": []}],
)


def _by_principal() -> str:
    return f"merchant/{principal().merchant_id}"


_careful = limiter.limit("30/hour", key_func=_by_principal)


@bp.get("", responses={200: EndpointList})
@require(Kind.MERCHANT_OWNER)
def list_endpoints() -> Response:
    """Where this merchant's webhooks go."""
    with transaction(resources().sessions) as session:
        found = endpoints_of(session, _merchant_id())
    view = EndpointList(endpoints=[EndpointView.of(endpoint) for endpoint in found])
    return jsonify(view.model_dump())


@bp.post("", responses={201: SecretView, 400: Problem, 409: Problem})
@require(Kind.MERCHANT_OWNER)
@_careful
@reads_json
def create_endpoint(body: NewEndpointBody) -> tuple[Response, HTTPStatus]:
    """Add an address; the answer has its secret, which is not shown again."""
    held = resources()
    with transaction(held.sessions) as session:
        made = add_endpoint(
            session,
            held.vault,
            _merchant_id(),
            body.url,
            body.topics,
            allow_private=held.settings.webhooks_private,
        )
    return _secret(made.endpoint.id, made.secret)


@bp.put("/<uuid:endpoint_id>", responses={200: EndpointView, 400: Problem, 404: Problem})
@require(Kind.MERCHANT_OWNER)
def put_endpoint(path: EndpointPath, body: EndpointBody) -> Response:
    """Say anew where, what and whether. Past failures no longer count."""
    held = resources()
    with transaction(held.sessions) as session:
        change_endpoint(
            session,
            _merchant_id(),
            path.endpoint_id,
            body.url,
            body.topics,
            is_active=body.is_active,
            allow_private=held.settings.webhooks_private,
        )
        endpoint = endpoint_of(session, _merchant_id(), path.endpoint_id)
    return jsonify(EndpointView.of(endpoint).model_dump())


@bp.delete("/<uuid:endpoint_id>", responses={204: None, 404: Problem, 409: Problem})
@require(Kind.MERCHANT_OWNER)
def delete_endpoint(path: EndpointPath) -> tuple[str, HTTPStatus]:
    """Forget a stopped address with its log."""
    with transaction(resources().sessions) as session:
        remove_endpoint(session, _merchant_id(), path.endpoint_id)
    return "", HTTPStatus.NO_CONTENT


@bp.post("/<uuid:endpoint_id>/secret", responses={201: SecretView, 404: Problem})
@require(Kind.MERCHANT_OWNER)
@_careful
def create_secret(path: EndpointPath) -> tuple[Response, HTTPStatus]:
    """A new secret; for a day webhooks are signed with the former one too."""
    with transaction(resources().sessions) as session:
        secret = rotate_secret(
            session,
            resources().vault,
            _merchant_id(),
            path.endpoint_id,
            now=db_now(session),
        )
    return _secret(path.endpoint_id, secret)


@bp.post("/<uuid:endpoint_id>/test", responses={202: None, 409: Problem, 404: Problem})
@require(Kind.MERCHANT_OWNER)
@_careful
def create_test(path: EndpointPath) -> tuple[str, HTTPStatus]:
    """Send an event of type `webhook.test`."""
    with transaction(resources().sessions) as session:
        send_test(session, _merchant_id(), path.endpoint_id)
    return "", HTTPStatus.ACCEPTED


@bp.get("/<uuid:endpoint_id>/deliveries", responses={200: DeliveryList, 404: Problem})
@require(Kind.MERCHANT_OWNER)
@reads_address
def list_deliveries(path: EndpointPath, query: LogQuery) -> Response:
    """What was sent to one address in the last 30 days, newest first."""
    with transaction(resources().sessions) as session:
        endpoint = endpoint_of(session, _merchant_id(), path.endpoint_id)
        # One more than asked for tells whether there is a next page.
        found = deliveries_to(session, endpoint.id, before_id=query.cursor, limit=query.limit + 1)
    page = DeliveryList(
        deliveries=[DeliveryView.of(delivery) for delivery in found[: query.limit]],
        next_cursor=found[query.limit - 1].id if len(found) > query.limit else None,
    )
    return jsonify(page.model_dump())


@bp.post(
    "/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>/again",
    responses={202: None, 409: Problem, 404: Problem},
)
@require(Kind.MERCHANT_OWNER)
@_careful
def create_delivery(path: DeliveryPath) -> tuple[str, HTTPStatus]:
    """Send a webhook once more, under its first id."""
    with transaction(resources().sessions) as session:
        send_again(session, _merchant_id(), path.endpoint_id, path.delivery_id)
    return "", HTTPStatus.ACCEPTED


def _merchant_id() -> UUID:
    merchant_id = principal().merchant_id
    assert merchant_id is not None, "a merchant's person belongs to a merchant"
    return merchant_id


def _secret(endpoint_id: UUID, secret: str) -> tuple[Response, HTTPStatus]:
    view = SecretView(endpoint_id=endpoint_id, secret=secret)
    return jsonify(view.model_dump()), HTTPStatus.CREATED
