"""The manifest of the lottery."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.issuance.lottery.api import bp
from coupon_service.issuance.lottery.invariants import INVARIANTS
from coupon_service.issuance.lottery.jobs import ADVANCE, advance_draw, look_for_due

MODULE = Module(
    name="lottery",
    apis=[bp],
    jobs=[
        Job("lottery.look_for_due", "lottery", look_for_due, every_s=5),
        Job(ADVANCE, "lottery", advance_draw),
    ],
    invariants=INVARIANTS,
)
