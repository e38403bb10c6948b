"""A simulated AR provider: sees what it is told to see, and signs and sends it like a real one.

It speaks the interface of docs/ar.md, which is this service's own. No public interface of 河图 is
known; nothing here imitates one.
"""

from dataclasses import dataclass
from time import time

import httpx

from coupon_service.core.ids import new_id
from coupon_service.core.webhooks import as_key, signed_headers
from redemption.ar.event import Sighting, presence_event
from redemption.ar.schemas import EVENT_MEDIA_TYPE


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
        now_s = int(time()) if timestamp_s is None else timestamp_s
        body = presence_event(self._code, webhook_id, sighting)
        headers = {
            "content-type": EVENT_MEDIA_TYPE,
            **signed_headers([self._key], webhook_id, body, now_s=now_s),
        }
        return Delivery(f"/api/v1/ar/providers/{self._code}/events", headers, body)

    def deliver(self, delivery: Delivery) -> httpx.Response:
        """Send it; sending it again must change nothing and answer the same."""
        return self._client.post(delivery.path, content=delivery.body, headers=delivery.headers)

    def report(self, sighting: Sighting) -> httpx.Response:
        """Write, sign and send in one go."""
        return self.deliver(self.prepare(sighting))
