"""The manifest of vouchers."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.vouchers.api import bp
from coupon_service.vouchers.cli import keys
from coupon_service.vouchers.invariants import INVARIANTS
from coupon_service.vouchers.jobs import expire

MODULE = Module(
    name="vouchers",
    apis=[bp],
    jobs=[Job("vouchers.expire", "maintenance", expire, every_s=30)],
    commands=[keys],
    invariants=INVARIANTS,
)
