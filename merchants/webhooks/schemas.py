"""Webhook endpoints and their log on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from coupon_service.core.schemas import Body, View
from coupon_service.core.webhooks import URL_CHARS_MAX
from merchants.webhooks.models import (
    TOPICS,
    DeliveryState,
    EventType,
    WebhookDelivery,
    WebhookEndpoint,
)

PAGE_DEFAULT = 50
PAGE_MAX = 200

Url = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=URL_CHARS_MAX)]
Topics = Annotated[
    list[EventType], Field(min_length=1, max_length=len(TOPICS), examples=[[*TOPICS]])
]


class EndpointPath(BaseModel):
    endpoint_id: UUID


class DeliveryPath(EndpointPath):
    delivery_id: UUID


class LogQuery(Body):
    cursor: UUID | None = Field(default=None, description="`next_cursor` of the page before")
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MAX)


class NewEndpointBody(Body):
    url: Url
    topics: Topics


class EndpointBody(NewEndpointBody):
    is_active: bool


class EndpointView(View):
    """An endpoint. Failing since: a delivery was given up then, and nothing has arrived since."""

    endpoint_id: UUID
    url: str
    topics: list[str]
    is_active: bool
    failing_since: datetime | None
    previous_secret_until: datetime | None

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> Self:
        return cls(
            endpoint_id=endpoint.id,
            url=endpoint.url,
            topics=endpoint.topics,
            is_active=endpoint.is_active,
            failing_since=endpoint.failing_since,
            previous_secret_until=endpoint.previous_secret_until,
        )


class EndpointList(View):
    endpoints: list[EndpointView]


class SecretView(View):
    """The secret is in this answer and nowhere else."""

    endpoint_id: UUID
    secret: str


class DeliveryView(View):
    """One event for one endpoint. `webhook_id` stays the same at every attempt."""

    delivery_id: UUID
    webhook_id: UUID
    type: EventType
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> Self:
        return cls(
            delivery_id=delivery.id,
            webhook_id=delivery.event_id,
            type=EventType(delivery.type),
            state=DeliveryState(delivery.state),
            attempts=delivery.attempts,
            next_at=delivery.next_at,
            last_status=delivery.last_status,
            last_error=delivery.last_error,
            created_at=delivery.created_at,
            delivered_at=delivery.delivered_at,
        )


class DeliveryList(View):
    deliveries: list[DeliveryView]
    next_cursor: UUID | None = Field(description="absent on the last page")
