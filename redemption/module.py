"""The manifest of this package."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from redemption import refund, reverse, webhook_events
from redemption.api import bp as api
from redemption.installed import bp as installed
from redemption.invariants import INVARIANTS
from redemption.pages import bp as pages
from redemption.redeem import TOPIC as REDEEMED

MODULE = Module(
    name="redemption",
    apis=[api],
    pages=[pages, installed],
    jobs=[
        Job("redemption.tell_redeemed", "webhooks", webhook_events.tell_redeemed, on=REDEEMED),
        Job("redemption.tell_reversed", "webhooks", webhook_events.tell_reversed, on=reverse.TOPIC),
        Job("redemption.tell_refunded", "webhooks", webhook_events.tell_refunded, on=refund.TOPIC),
    ],
    invariants=INVARIANTS,
)
