"""The manifest of this package."""

from coupon_service.core.auth import Kind
from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from redemption.ar.api import bp
from redemption.ar.authenticate import authenticate_provider
from redemption.ar.call_back import DELIVER
from redemption.ar.cli import ar_anchor, ar_keys, ar_provider
from redemption.ar.deliver_callback import deliver_callback, deliver_due
from redemption.ar.invariants import INVARIANTS

MODULE = Module(
    name="ar",
    apis=[bp],
    jobs=[
        # With the other webhooks: a slow receiver holds up nothing but these.
        Job(DELIVER, "webhooks", deliver_callback),
        Job("ar.deliver_due", "webhooks", deliver_due, every_s=5),
    ],
    commands=[ar_keys, ar_provider, ar_anchor],
    invariants=INVARIANTS,
    authenticators={Kind.AR_PROVIDER: authenticate_provider},
)
