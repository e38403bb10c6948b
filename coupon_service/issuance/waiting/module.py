"""The manifest of waiting lists."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.issuance.waiting.api import bp
from coupon_service.issuance.waiting.invariants import INVARIANTS
from coupon_service.issuance.waiting.jobs import SERVE, serve_all, serve_one
from coupon_service.vouchers.lifecycle import FREED

MODULE = Module(
    name="waiting",
    apis=[bp],
    jobs=[
        Job(SERVE, "maintenance", serve_one, on=FREED),
        Job("waiting.serve_all", "maintenance", serve_all, every_s=5),
    ],
    invariants=INVARIANTS,
)
