"""Queue: something happened that a merchant's systems want to hear of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit_job
from merchants.webhooks.errors import WebhookDeliveryNotFoundError, WebhookEndpointStoppedError
from merchants.webhooks.models import (
    DeliveryState,
    EventType,
    WebhookDelivery,
    WebhookEndpoint,
)
from merchants.webhooks.queries import endpoint_of

DELIVER = "webhooks.deliver"


def has_listeners(session: Session, merchant_id: UUID, event_type: EventType) -> bool:
    """Whether anybody wants to hear of it; most merchants have no system that does."""
    return bool(_listening(session, merchant_id, event_type))


def queue(
    session: Session, merchant_id: UUID, event_type: EventType, data: Mapping[str, Any]
) -> None:
    """Record, in the caller's transaction, a delivery to each endpoint that asked for this.

    `data` holds nothing of the person who showed the voucher.
    """
    endpoint_ids = _listening(session, merchant_id, event_type)
    if endpoint_ids:
        _record(session, endpoint_ids, event_type, data)


def send_test(session: Session, merchant_id: UUID, endpoint_id: UUID) -> None:
    """Send one endpoint an event that means nothing.

    Raises:
        WebhookEndpointNotFoundError: the merchant has no such endpoint.
        WebhookEndpointStoppedError: nothing is sent there.
    """
    endpoint = endpoint_of(session, merchant_id, endpoint_id)
    if not endpoint.is_active:
        raise WebhookEndpointStoppedError
    _send_at_once(session, endpoint_id)
    _record(session, [endpoint_id], EventType.TEST, {"endpoint_id": endpoint_id})


def send_again(session: Session, merchant_id: UUID, endpoint_id: UUID, delivery_id: UUID) -> None:
    """Send a webhook once more, with its first id, by which a receiver knows a repeat.

    Raises:
        WebhookEndpointNotFoundError: the merchant has no such endpoint.
        WebhookEndpointStoppedError: nothing is sent there.
        WebhookDeliveryNotFoundError: no such delivery to that endpoint.
    """
    if not endpoint_of(session, merchant_id, endpoint_id).is_active:
        raise WebhookEndpointStoppedError
    changed = session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint_id)
        .values(state=DeliveryState.WAITING, attempts=0, next_at=db_now(session), delivered_at=None)
        .returning(WebhookDelivery.id)
    ).scalar_one_or_none()
    if changed is None:
        raise WebhookDeliveryNotFoundError
    _send_at_once(session, endpoint_id)
    emit_job(session, DELIVER)


def _listening(session: Session, merchant_id: UUID, event_type: EventType) -> list[UUID]:
    return list(
        session.scalars(
            select(WebhookEndpoint.id).where(
                WebhookEndpoint.merchant_id == merchant_id,
                WebhookEndpoint.is_active,
                WebhookEndpoint.topics.any_() == event_type.value,
            )
        )
    )


def _record(
    session: Session,
    endpoint_ids: list[UUID],
    event_type: EventType,
    data: Mapping[str, Any],
) -> None:
    now, event_id = db_now(session), new_id()
    body = _body(event_type, data, now)
    session.execute(
        insert(WebhookDelivery),
        [
            {
                "id": new_id(),
                "endpoint_id": endpoint_id,
                "event_id": event_id,
                "type": event_type,
                "body": body,
                "next_at": now,
            }
            for endpoint_id in endpoint_ids
        ],
    )
    emit_job(session, DELIVER)


def _body(event_type: EventType, data: Mapping[str, Any], now: datetime) -> str:
    """What the specification recommends: type, timestamp, data."""
    timestamp = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps({"type": event_type, "timestamp": timestamp, "data": data}).decode()


def _send_at_once(session: Session, endpoint_id: UUID) -> None:
    """Somebody is watching: the pause after a failure ends now."""
    session.execute(
        update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(resume_at=None)
    )
