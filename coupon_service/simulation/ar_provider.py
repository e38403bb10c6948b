"""A simulated AR provider: sees what it is told to see, and signs and sends it like a real one.

It speaks the interface of docs/ar.md, which is this service's own. No public interface of 河图 is
known; nothing here imitates one.
"""

from dataclasses import dataclass
from time import time
from typing import Any
from uuid import UUID

import httpx
import orjson

from coupon_service.core.ids import new_id
from redemption.ar.schemas import EVENT_MEDIA_TYPE, EVENT_TYPE
from redemption.ar.signature import as_key, sign


@dataclass(frozen=True)
class Sighting:
    """Where the simulator claims to have seen the bearer of a session. Degrees of WGS-84."""

    session_id: UUID
    nonce: str
    anchor_id: UUID
    lat: float
    lon: float
    confidence: float = 0.97
    order_fen: int | None = None

    @classmethod
    def at_anchor(cls, started: dict[str, Any], order_fen: int | None = None) -> "Sighting":
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


@dataclass(frozen=True)
class Delivery:
    """A signed webhook, ready to be sent, and to be sent again."""

    path: str
    headers: dict[str, str]
    body: bytes


class ArProviderSimulator:
    """One provider. `client` has the service's address as its base URL."""

    def __init__(self, client: httpx.Client, code: str, secret: str) -> None:
        self._client = client
        self._code = code
        self._key = as_key(secret)

    def prepare(
        self, sighting: Sighting, *, webhook_id: str | None = None, timestamp_s: int | None = None
    ) -> Delivery:
        """Write and sign an event; the id and the time are the simulator's unless given."""
        webhook_id = webhook_id or f"sim_{new_id().hex}"
        timestamp = str(int(time()) if timestamp_s is None else timestamp_s)
        data = {key: value for key, value in vars(sighting).items() if value is not None}
        body = orjson.dumps(
            {
                "specversion": "1.0",
                "id": webhook_id,
                "source": f"/ar-providers/{self._code}",
                "type": EVENT_TYPE,
                "datacontenttype": "application/json",
                "data": data,
            }
        )
        headers = {
            "content-type": EVENT_MEDIA_TYPE,
            "webhook-id": webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self._key, webhook_id, timestamp, body),
        }
        return Delivery(f"/api/v1/ar/providers/{self._code}/events", headers, body)

    def deliver(self, delivery: Delivery) -> httpx.Response:
        """Send it; sending it again must change nothing and answer the same."""
        return self._client.post(delivery.path, content=delivery.body, headers=delivery.headers)

    def report(self, sighting: Sighting) -> httpx.Response:
        """Write, sign and send in one go."""
        return self.deliver(self.prepare(sighting))
