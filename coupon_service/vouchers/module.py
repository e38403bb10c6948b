"""The manifest of vouchers."""

from datetime import time

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.vouchers.api import bp
from coupon_service.vouchers.cli import keys
from coupon_service.vouchers.invariants import INVARIANTS
from coupon_service.vouchers.jobs import expire
from coupon_service.vouchers.tell_claimed import tell_claimed
from coupon_service.vouchers.tell_expiring import tell_expiring

MODULE = Module(
    name="vouchers",
    apis=[bp],
    jobs=[
        Job("vouchers.expire", "maintenance", expire, every_s=30),
        Job("vouchers.tell_claimed", "maintenance", tell_claimed, every_s=30),
        Job("vouchers.tell_expiring", "maintenance", tell_expiring, daily_at=time(10)),
    ],
    commands=[keys],
    invariants=INVARIANTS,
)
