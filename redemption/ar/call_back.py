"""Call back: a provider hears how a session ended, as a webhook of its own kind."""

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit_job
from redemption.ar.models import ArCallback, ArSession

DONE_TYPE = "coupon-service.ar.session.done.v1"
REFUSED_TYPE = "coupon-service.ar.session.refused.v1"
DELIVER = "ar.deliver_callback"

_SOURCE = "/api/v1/ar"


def call_back(
    session: Session, intent: ArSession, event_type: str, data: dict[str, Any], *, now: datetime
) -> None:
    """Record a webhook about the session, to be delivered after COMMIT, if its provider wants any.

    `intent` has its anchor and provider loaded. Nothing of the resident is in it.
    """
    provider = intent.anchor.provider
    if provider.callback_url is None:
        return
    callback = ArCallback(
        id=new_id(),
        provider_id=provider.id,
        session_id=intent.id,
        type=event_type,
        body=b"",
        next_at=now,
        created_at=now,
    )
    callback.body = orjson.dumps(
        {
            "specversion": "1.0",
            "id": webhook_id(callback),
            "source": _SOURCE,
            "type": event_type,
            "time": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": {
                "session_id": intent.id,
                "anchor_id": intent.anchor_id,
                "outcome": intent.anchor.outcome,
                **data,
            },
        }
    )
    session.add(callback)
    session.flush()
    emit_job(session, DELIVER, callback_id=callback.id)


def webhook_id(callback: ArCallback) -> str:
    """The `webhook-id` of every attempt, and the event's id."""
    return f"cb_{callback.id.hex}"
