"""The simulated AR provider."""

from uuid import uuid4

import httpx
import orjson

from coupon_service.core.webhooks import as_key, as_secret, is_signed, new_key
from coupon_service.simulation.ar_provider import ArProviderSimulator
from redemption.ar.event import Sighting
from redemption.ar.schemas import PresenceEvent

SECRET = as_secret(new_key())


def test_the_simulator_writes_a_valid_event_and_signs_it() -> None:
    simulator = ArProviderSimulator(httpx.Client(), "lantern-sim", SECRET)
    sighting = Sighting(uuid4(), "nonce", uuid4(), 39.9, 116.4)
    delivery = simulator.prepare(sighting, timestamp_s=1_795_227_304)
    assert delivery.path == "/api/v1/ar/providers/lantern-sim/events"
    assert delivery.headers["webhook-timestamp"] == "1795227304"
    assert is_signed(
        [as_key(SECRET)],
        delivery.headers["webhook-id"],
        int(delivery.headers["webhook-timestamp"]),
        delivery.body,
        delivery.headers["webhook-signature"],
    )
    event = PresenceEvent.model_validate(orjson.loads(delivery.body))
    assert event.data.session_id == sighting.session_id
    assert event.data.order_fen is None
