"""The manifest of this package."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from redemption.awards.invariants import INVARIANTS
from redemption.awards.jobs import give, take_back, take_back_refunded
from redemption.redeem import TOPIC as REDEEMED
from redemption.refund import TOPIC as REFUNDED
from redemption.reverse import TOPIC as REVERSED

MODULE = Module(
    name="awards",
    jobs=[
        Job("awards.give", "maintenance", give, on=REDEEMED),
        Job("awards.take_back", "maintenance", take_back, on=REVERSED),
        Job("awards.take_back_refunded", "maintenance", take_back_refunded, on=REFUNDED),
    ],
    invariants=INVARIANTS,
)
