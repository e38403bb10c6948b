"""`/api/v1/offline`: what a till's browser needs to go on without a network, and to come back.

No clerk has to be on duty: money that was accepted has to come in.
"""

from http import HTTPStatus

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import in_transaction, transaction
from coupon_service.core.read_request import reads_json
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from coupon_service.vouchers.keys import current_keyring
from redemption import throttle
from redemption.offline.bring_in import Brought, bring_in
from redemption.offline.enrol import enrol
from redemption.offline.errors import OfflineSuspendedError
from redemption.offline.lease import Head, Leased, lease
from redemption.offline.queries import may_trade_offline
from redemption.offline.schemas import (
    BatchBody,
    BatchView,
    DeviceBody,
    DeviceView,
    LeaseBody,
    LeaseView,
    OfflineView,
)

bp = APIBlueprint(
    "offline_api", __name__, url_prefix="/api/v1/offline", abp_tags=[Tag(name="Offline tills")]
)
_TILL: list[dict[str, list[str]]] = [{"till": []}]


@bp.get("", responses={200: OfflineView}, security=_TILL)
@require(Kind.TILL)
def show_offline() -> Response:
    """Whether this till's merchant may trade offline."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        is_allowed = may_trade_offline(session, principal().id)
    return jsonify(OfflineView(is_allowed=is_allowed, server_time=now).model_dump())


@bp.post(
    "/devices",
    responses={201: DeviceView, 400: Problem, 403: Problem},
    security=_TILL,
)
@require(Kind.TILL)
@throttle.orders
@reads_json
def create_device(body: DeviceBody) -> tuple[Response, HTTPStatus]:
    """Give the public half of a key that this browser keeps. Again: the same device."""
    with transaction(resources().sessions) as session:
        device_id = enrol(
            session, principal().id, bytes.fromhex(body.public_key), now=db_now(session)
        )
    return jsonify(DeviceView(device_id=device_id).model_dump()), HTTPStatus.CREATED


@bp.post(
    "/leases",
    responses={201: LeaseView, 403: Problem, 404: Problem, 409: Problem},
    security=_TILL,
)
@require(Kind.TILL)
@throttle.orders
@reads_json
def create_lease(body: LeaseBody) -> tuple[Response, HTTPStatus]:
    """Let the device accept vouchers by itself for some hours, up to a limit."""
    till_id, keyring, settings = principal().id, current_keyring(), resources().settings
    head = Head(body.seq, bytes.fromhex(body.hash))

    def work(session: Session) -> Leased | OfflineSuspendedError:
        return lease(session, till_id, body.device_id, head, keyring=keyring, settings=settings)

    granted = in_transaction(resources().sessions, work)
    if isinstance(granted, OfflineSuspendedError):
        raise granted
    return jsonify(LeaseView.of(granted).model_dump()), HTTPStatus.CREATED


@bp.post(
    "/batches",
    responses={200: BatchView, 400: Problem, 403: Problem, 404: Problem},
    security=_TILL,
)
@require(Kind.TILL)
@throttle.orders
@reads_json
def bring_batch(body: BatchBody) -> Response:
    """Bring records in, in the order of the chain. The same ones again: the same answers."""
    till_id, keyring, held = principal().id, current_keyring(), resources()

    def work(session: Session) -> BatchView:
        brought: Brought = bring_in(
            session,
            till_id,
            body.device_id,
            body.sent,
            keyring=keyring,
            risk=held.risk,
            settings=held.settings,
        )
        return BatchView.of(brought)

    return jsonify(in_transaction(held.sessions, work).model_dump())
