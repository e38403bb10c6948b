"""The secrets webhooks are signed with: made, sealed, rotated, and found again for signing."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from coupon_service.core.personal import Vault
from coupon_service.core.webhooks import as_secret, new_key
from merchants.webhooks.errors import WebhookEndpointNotFoundError
from merchants.webhooks.models import WebhookEndpoint

# How long both secrets sign: a receiver changes over within a day, without a pause.
GRACE = timedelta(hours=24)

_FIELD = "webhook-secret"


def new_secret(vault: Vault) -> tuple[str, bytes]:
    """A fresh `whsec_…` secret, to be shown once, and its key sealed."""
    key = new_key()
    return as_secret(key), vault.seal(_FIELD, key)


def live_keys(vault: Vault, endpoint: WebhookEndpoint, now: datetime) -> list[bytes]:
    """The keys that sign now: the current one, and the former one in its grace."""
    sealed = [endpoint.secret_sealed]
    until = endpoint.previous_secret_until
    if endpoint.previous_secret_sealed is not None and until is not None and now < until:
        sealed.append(endpoint.previous_secret_sealed)
    return [vault.open(_FIELD, one) for one in sealed]


def rotate_secret(
    session: Session, vault: Vault, merchant_id: UUID, endpoint_id: UUID, *, now: datetime
) -> str:
    """Give an endpoint a new secret; webhooks bear both signatures for `GRACE`.

    Returns the new secret, which is shown once. One that was in its grace already dies now.

    Raises:
        WebhookEndpointNotFoundError: the merchant has no such endpoint.
    """
    secret, sealed = new_secret(vault)
    changed = session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.merchant_id == merchant_id)
        .values(
            previous_secret_sealed=WebhookEndpoint.secret_sealed,
            previous_secret_until=now + GRACE,
            secret_sealed=sealed,
        )
        .returning(WebhookEndpoint.id)
    ).scalar_one_or_none()
    if changed is None:
        raise WebhookEndpointNotFoundError
    return secret
