"""Background work of webhooks."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from merchants.webhooks.models import WebhookDelivery

# Longer than the last attempt takes to come, and than anybody looks back.
DELIVERIES_KEPT = timedelta(days=30)


def forget_deliveries(session: Session) -> None:
    """Delete what was sent, or could not be, long ago."""
    session.execute(
        delete(WebhookDelivery).where(
            WebhookDelivery.created_at < db_now(session) - DELIVERIES_KEPT
        )
    )
