"""The platform that the service plays itself, for its own scenes: it signs like any other.

A browser never holds the provider's secret. What a scene's visitor did is written as an event,
signed with that secret here, and passes the same verification and the same desk as an event that
came over the network.
"""

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import resources
from coupon_service.core.webhooks import signed_headers
from redemption.ar.authenticate import Signed, verify
from redemption.ar.desk import hand_in
from redemption.ar.event import Sighting, presence_event
from redemption.ar.keys import live_keys
from redemption.ar.models import ArProvider
from redemption.ar.prove import Accepted
from redemption.ar.schemas import PresenceEvent


def report(provider: ArProvider, sighting: Sighting) -> Accepted:
    """Sign what the scene has seen and hand it in.

    Raises:
        ProblemError: as `prove`.
    """
    webhook_id = f"scene_{new_id().hex}"
    body = presence_event(provider.code, webhook_id, sighting)
    held = resources()
    with transaction(held.sessions) as session:
        now = db_now(session)
    # The newest secret: the former one, while it lives, is for platforms that change over.
    keys = live_keys(held.vault, provider, now)[:1]
    headers = signed_headers(keys, webhook_id, body, now_s=int(now.timestamp()))
    signed = Signed(webhook_id, headers["webhook-timestamp"], headers["webhook-signature"], body)
    principal = verify(provider.code, signed)
    event = PresenceEvent.model_validate_json(body)
    return hand_in(principal.id, webhook_id, body, event.data)
