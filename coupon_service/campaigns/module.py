"""The manifest of campaigns."""

from coupon_service.campaigns.api import bp
from coupon_service.campaigns.jobs import close_due
from coupon_service.core.jobs import Job
from coupon_service.core.module import Module

MODULE = Module(
    name="campaigns",
    apis=[bp],
    jobs=[Job("campaigns.close_due", "maintenance", close_due, every_s=10)],
)
