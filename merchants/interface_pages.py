"""`/merchant/interfaces`: a merchant's keys for point-of-sale systems, and where webhooks go."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self
from uuid import UUID

import orjson
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources
from merchants.errors import PosKeyNeededError, TooManyPosKeysError
from merchants.pos_keys import (
    create_pos_key,
    key_name,
    revoke_pos_key,
    set_signed_only,
    tills_with_keys,
)
from merchants.webhooks.endpoints import (
    ENDPOINTS_MAX,
    add_endpoint,
    change_endpoint,
    remove_endpoint,
)
from merchants.webhooks.errors import (
    TooManyWebhookEndpointsError,
    WebhookAddressError,
    WebhookEndpointActiveError,
    WebhookEndpointStoppedError,
    WebhookTopicsError,
)
from merchants.webhooks.models import TOPICS, EventType, WebhookEndpoint
from merchants.webhooks.queries import deliveries_to, endpoint_of, endpoints_of
from merchants.webhooks.queue import send_again, send_test
from merchants.webhooks.secret import rotate_secret

DELIVERIES_SHOWN = 30

bp = Blueprint("interfaces", __name__, url_prefix="/merchant/interfaces")


def _by_principal() -> str:
    return f"merchant/{principal().merchant_id}"


# Each of these seals a secret, or makes this service call an address of the merchant's choice.
_careful = limiter.limit("30/hour", key_func=_by_principal)


@dataclass(frozen=True)
class EndpointForm:
    """What stands in the form of an endpoint."""

    url: str
    topics: Sequence[str]
    is_active: bool = True

    @classmethod
    def sent(cls) -> Self:
        topics = [topic for topic in TOPICS if topic in request.form.getlist("topics")]
        return cls(
            request.form.get("url", "").strip(), topics, request.form.get("is_active") == "yes"
        )

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> Self:
        return cls(endpoint.url, endpoint.topics, endpoint.is_active)

    @property
    def chosen(self) -> list[EventType]:
        """Raises:
        WebhookTopicsError: nothing was chosen.
        """
        if not self.topics:
            raise WebhookTopicsError
        return [EventType(topic) for topic in self.topics]


@bp.app_template_filter("pretty_json")
def pretty_json(text: str) -> str:
    """A JSON text with a line for each member."""
    return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()


@bp.get("")
@require(Kind.MERCHANT_OWNER)
def show_interfaces() -> str:
    """Tills with their keys, and the addresses that webhooks go to."""
    with transaction(resources().sessions) as session:
        return _overview(session)


@bp.post("/tills/<uuid:till_id>/keys")
@require(Kind.MERCHANT_OWNER)
@_careful
def do_create_key(till_id: UUID) -> ResponseReturnValue:
    """Make a key and show it, once."""
    try:
        with transaction(resources().sessions) as session:
            made = create_pos_key(session, resources().vault, _merchant_id(), till_id)
    except TooManyPosKeysError as error:
        return _overview_with(error)
    about = _("接口密钥 %(name)s", name=key_name(made.key))
    return _secret(_("新的接口密钥"), about, made.text, url_for(".show_interfaces"))


@bp.post("/tills/<uuid:till_id>/keys/<uuid:key_id>/revocation")
@require(Kind.MERCHANT_OWNER)
def do_revoke_key(till_id: UUID, key_id: UUID) -> ResponseReturnValue:
    """Stop trusting a key."""
    with transaction(resources().sessions) as session:
        revoke_pos_key(session, _merchant_id(), till_id, key_id, now=db_now(session))
    return redirect(url_for(".show_interfaces"))


@bp.post("/tills/<uuid:till_id>/signed-only")
@require(Kind.MERCHANT_OWNER)
def do_set_signed_only(till_id: UUID) -> ResponseReturnValue:
    """Say whether the till's own key still opens anything."""
    wanted = request.form.get("signed_only") == "yes"
    try:
        with transaction(resources().sessions) as session:
            set_signed_only(session, _merchant_id(), till_id, signed_only=wanted)
    except PosKeyNeededError as error:
        return _overview_with(error)
    return redirect(url_for(".show_interfaces"))


@bp.post("/webhooks")
@require(Kind.MERCHANT_OWNER)
@_careful
def do_add_endpoint() -> ResponseReturnValue:
    """Add an address and show its secret, once."""
    typed, held = EndpointForm.sent(), resources()
    try:
        with transaction(held.sessions) as session:
            made = add_endpoint(
                session,
                held.vault,
                _merchant_id(),
                typed.url,
                typed.chosen,
                allow_private=held.settings.webhooks_private,
            )
    except (WebhookAddressError, WebhookTopicsError, TooManyWebhookEndpointsError) as error:
        return _overview_with(error, typed)
    return _secret_of(made.endpoint.id, typed.url, made.secret)


@bp.get("/webhooks/<uuid:endpoint_id>")
@require(Kind.MERCHANT_OWNER)
def show_endpoint(endpoint_id: UUID) -> str:
    """One address, and what was sent there."""
    return _endpoint(endpoint_id)


@bp.post("/webhooks/<uuid:endpoint_id>")
@require(Kind.MERCHANT_OWNER)
def do_change_endpoint(endpoint_id: UUID) -> ResponseReturnValue:
    """Say anew where, what and whether."""
    typed, held = EndpointForm.sent(), resources()
    try:
        with transaction(held.sessions) as session:
            change_endpoint(
                session,
                _merchant_id(),
                endpoint_id,
                typed.url,
                typed.chosen,
                is_active=typed.is_active,
                allow_private=held.settings.webhooks_private,
            )
    except (WebhookAddressError, WebhookTopicsError) as error:
        return _endpoint(endpoint_id, error, typed), error.status
    return _to_endpoint(endpoint_id)


@bp.post("/webhooks/<uuid:endpoint_id>/secret")
@require(Kind.MERCHANT_OWNER)
@_careful
def do_rotate_secret(endpoint_id: UUID) -> ResponseReturnValue:
    """Make a new secret and show it, once."""
    with transaction(resources().sessions) as session:
        merchant_id, now = _merchant_id(), db_now(session)
        secret = rotate_secret(session, resources().vault, merchant_id, endpoint_id, now=now)
        url = endpoint_of(session, merchant_id, endpoint_id).url
    return _secret_of(endpoint_id, url, secret)


@bp.post("/webhooks/<uuid:endpoint_id>/test")
@require(Kind.MERCHANT_OWNER)
@_careful
def do_send_test(endpoint_id: UUID) -> ResponseReturnValue:
    """Send an event that means nothing."""
    try:
        with transaction(resources().sessions) as session:
            send_test(session, _merchant_id(), endpoint_id)
    except WebhookEndpointStoppedError as error:
        return _endpoint(endpoint_id, error), error.status
    return _to_endpoint(endpoint_id)


@bp.post("/webhooks/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>/again")
@require(Kind.MERCHANT_OWNER)
@_careful
def do_send_again(endpoint_id: UUID, delivery_id: UUID) -> ResponseReturnValue:
    """Send a webhook once more."""
    try:
        with transaction(resources().sessions) as session:
            send_again(session, _merchant_id(), endpoint_id, delivery_id)
    except WebhookEndpointStoppedError as error:
        return _endpoint(endpoint_id, error), error.status
    return _to_endpoint(endpoint_id)


@bp.post("/webhooks/<uuid:endpoint_id>/removal")
@require(Kind.MERCHANT_OWNER)
def do_remove_endpoint(endpoint_id: UUID) -> ResponseReturnValue:
    """Forget a stopped address and its log."""
    try:
        with transaction(resources().sessions) as session:
            remove_endpoint(session, _merchant_id(), endpoint_id)
    except WebhookEndpointActiveError as error:
        return _endpoint(endpoint_id, error), error.status
    return redirect(url_for(".show_interfaces"))


def _merchant_id() -> UUID:
    merchant_id = principal().merchant_id
    assert merchant_id is not None, "a merchant's person belongs to a merchant"
    return merchant_id


def _overview(
    session: Session, error: ProblemError | None = None, typed: EndpointForm | None = None
) -> str:
    return render_template(
        "merchants/interfaces.html",
        tills=tills_with_keys(session, _merchant_id()),
        endpoints=endpoints_of(session, _merchant_id()),
        endpoints_max=ENDPOINTS_MAX,
        key_name=key_name,
        topics=TOPICS,
        typed=typed or EndpointForm("", TOPICS),
        error=error.sentence if error else None,
    )


def _overview_with(error: ProblemError, typed: EndpointForm | None = None) -> ResponseReturnValue:
    with transaction(resources().sessions) as session:
        return _overview(session, error, typed), error.status


def _endpoint(
    endpoint_id: UUID, error: ProblemError | None = None, typed: EndpointForm | None = None
) -> str:
    before_id = request.args.get("before", type=UUID)
    with transaction(resources().sessions) as session:
        endpoint = endpoint_of(session, _merchant_id(), endpoint_id)
        # One more than is shown tells whether there are older ones.
        found = deliveries_to(session, endpoint_id, before_id=before_id, limit=DELIVERIES_SHOWN + 1)
        now = db_now(session)
    shown = found[:DELIVERIES_SHOWN]
    return render_template(
        "merchants/endpoint.html",
        endpoint=endpoint,
        deliveries=shown,
        older=shown[-1].id if len(found) > len(shown) else None,
        topics=TOPICS,
        typed=typed or EndpointForm.of(endpoint),
        now=now,
        error=error.sentence if error else None,
    )


def _to_endpoint(endpoint_id: UUID) -> ResponseReturnValue:
    return redirect(url_for(".show_endpoint", endpoint_id=endpoint_id))


def _secret_of(endpoint_id: UUID, url: str, secret: str) -> ResponseReturnValue:
    back = url_for(".show_endpoint", endpoint_id=endpoint_id)
    return _secret(_("通知的签名密钥"), url, secret, back)


def _secret(title: str, about: str, secret: str, back: str) -> ResponseReturnValue:
    """The page with a secret on it. It is the answer to the form, so it cannot be opened again."""
    page = render_template(
        "merchants/secret.html", title=title, about=about, secret=secret, back=back
    )
    return page, HTTPStatus.CREATED
