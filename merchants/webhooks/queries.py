"""Shared reads of webhook endpoints and their log."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.webhooks.errors import WebhookEndpointNotFoundError
from merchants.webhooks.models import WebhookDelivery, WebhookEndpoint


def endpoints_of(session: Session, merchant_id: UUID) -> Sequence[WebhookEndpoint]:
    """A merchant's endpoints in the order they were added."""
    return session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.merchant_id == merchant_id)
        .order_by(WebhookEndpoint.id)
    ).all()


def endpoint_of(session: Session, merchant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """One endpoint of this merchant.

    Raises:
        WebhookEndpointNotFoundError: the merchant has no such endpoint.
    """
    found = session.scalars(
        select(WebhookEndpoint).where(
            WebhookEndpoint.id == endpoint_id, WebhookEndpoint.merchant_id == merchant_id
        )
    ).one_or_none()
    if found is None:
        raise WebhookEndpointNotFoundError
    return found


def deliveries_to(
    session: Session, endpoint_id: UUID, *, before_id: UUID | None = None, limit: int
) -> Sequence[WebhookDelivery]:
    """The endpoint's log, newest first, beginning before `before_id`."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if before_id is not None:
        query = query.where(WebhookDelivery.id < before_id)
    return session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(limit)).all()
