"""The manifest of webhooks to merchants."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from merchants.webhooks.api import bp
from merchants.webhooks.deliver import deliver_due
from merchants.webhooks.jobs import forget_deliveries
from merchants.webhooks.queue import DELIVER

MODULE = Module(
    name="webhooks",
    apis=[bp],
    jobs=[
        Job(DELIVER, "webhooks", deliver_due),
        Job("webhooks.deliver_waiting", "webhooks", deliver_due, every_s=5),
        Job("webhooks.forget", "maintenance", forget_deliveries, every_s=86_400),
    ],
)
