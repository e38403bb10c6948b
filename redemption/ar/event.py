"""The presence event as a provider writes it: CloudEvents 1.0, structured mode, JSON."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson

from redemption.ar.schemas import EVENT_TYPE


@dataclass(frozen=True)
class Sighting:
    """Where a provider has seen the bearer of a session. Degrees of WGS-84, amounts in fen."""

    session_id: UUID
    nonce: str
    anchor_id: UUID
    lat: float
    lon: float
    confidence: float = 0.97
    order_fen: int | None = None

    @classmethod
    def at_anchor(cls, started: dict[str, Any], order_fen: int | None = None) -> Self:
        """In the middle of the fence, for the answer of `POST /api/v1/ar/sessions`."""
        anchor = started["anchor"]
        return cls(
            session_id=UUID(started["session_id"]),
            nonce=started["nonce"],
            anchor_id=UUID(anchor["anchor_id"]),
            lat=anchor["lat"],
            lon=anchor["lon"],
            order_fen=order_fen,
        )


def presence_event(provider_code: str, webhook_id: str, sighting: Sighting) -> bytes:
    """The body of the webhook. The event's id is the webhook's."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": webhook_id,
            "source": f"/ar-providers/{provider_code}",
            "type": EVENT_TYPE,
            "datacontenttype": "application/json",
            "data": {key: value for key, value in vars(sighting).items() if value is not None},
        }
    )
