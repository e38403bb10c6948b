"""A merchant names addresses for webhooks, changes them, and takes them back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.core.webhooks import is_address
from merchants.errors import MerchantNotFoundError
from merchants.models import Merchant
from merchants.webhooks.errors import (
    TooManyWebhookEndpointsError,
    WebhookAddressError,
    WebhookEndpointActiveError,
    WebhookEndpointNotFoundError,
)
from merchants.webhooks.models import EventType, WebhookEndpoint
from merchants.webhooks.queries import endpoint_of
from merchants.webhooks.secret import new_secret

ENDPOINTS_MAX = 5


@dataclass(frozen=True)
class EndpointWithSecret:
    """An endpoint and its secret, which nobody can read again."""

    endpoint: WebhookEndpoint
    secret: str


def add_endpoint(
    session: Session,
    vault: Vault,
    merchant_id: UUID,
    url: str,
    topics: Sequence[EventType],
    *,
    allow_private: bool,
) -> EndpointWithSecret:
    """Add an address; what happens from now on is sent there.

    Raises:
        MerchantNotFoundError: there is no such merchant.
        WebhookAddressError: not an address that webhooks may go to.
        TooManyWebhookEndpointsError: the merchant has `ENDPOINTS_MAX` already.
    """
    _check(url, allow_private=allow_private)
    # The merchant's row is locked, so that two requests at once do not both find room.
    if session.get(Merchant, merchant_id, with_for_update=True) is None:
        raise MerchantNotFoundError
    count = session.execute(
        select(func.count()).where(WebhookEndpoint.merchant_id == merchant_id)
    ).scalar_one()
    if count >= ENDPOINTS_MAX:
        raise TooManyWebhookEndpointsError
    secret, sealed = new_secret(vault)
    endpoint = WebhookEndpoint(
        id=new_id(), merchant_id=merchant_id, url=url, secret_sealed=sealed, topics=list(topics)
    )
    session.add(endpoint)
    session.flush()
    return EndpointWithSecret(endpoint, secret)


def change_endpoint(
    session: Session,
    merchant_id: UUID,
    endpoint_id: UUID,
    url: str,
    topics: Sequence[EventType],
    *,
    is_active: bool,
    allow_private: bool,
) -> None:
    """Say anew where, what and whether. Its past failures no longer count.

    Raises:
        WebhookAddressError: not an address that webhooks may go to.
        WebhookEndpointNotFoundError: the merchant has no such endpoint.
    """
    _check(url, allow_private=allow_private)
    changed = session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.merchant_id == merchant_id)
        .values(
            url=url,
            topics=list(topics),
            is_active=is_active,
            failures=0,
            resume_at=None,
            failing_since=None,
        )
        .returning(WebhookEndpoint.id)
    ).scalar_one_or_none()
    if changed is None:
        raise WebhookEndpointNotFoundError


def remove_endpoint(session: Session, merchant_id: UUID, endpoint_id: UUID) -> None:
    """Forget a stopped endpoint with its log.

    Raises:
        WebhookEndpointNotFoundError: the merchant has no such endpoint.
        WebhookEndpointActiveError: it has not been stopped, and something may be on its way.
    """
    removed = session.execute(
        delete(WebhookEndpoint)
        .where(
            WebhookEndpoint.id == endpoint_id,
            WebhookEndpoint.merchant_id == merchant_id,
            WebhookEndpoint.is_active.is_(False),
        )
        .returning(WebhookEndpoint.id)
    ).scalar_one_or_none()
    if removed is None:
        endpoint_of(session, merchant_id, endpoint_id)
        raise WebhookEndpointActiveError


def _check(url: str, *, allow_private: bool) -> None:
    if not is_address(url, allow_private=allow_private):
        raise WebhookAddressError
