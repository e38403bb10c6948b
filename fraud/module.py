"""The manifest of fraud."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from fraud.invariants import INVARIANTS
from fraud.jobs import check, forget, forget_refunded, watch_overdue

MODULE = Module(
    name="fraud",
    invariants=INVARIANTS,
    jobs=[
        Job("fraud.check", "fraud", check, on="redemption.redeemed"),
        Job("fraud.forget_reversed", "fraud", forget, on="redemption.reversed"),
        Job("fraud.forget_refunded", "fraud", forget_refunded, on="redemption.refunded"),
        Job("fraud.watch_overdue", "fraud", watch_overdue, every_s=3600),
    ],
)
