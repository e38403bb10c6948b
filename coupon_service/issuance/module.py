"""The manifest of issuance."""

from coupon_service.campaigns.release import CHANGED
from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.issuance.api import bp
from coupon_service.issuance.gate import init_gate
from coupon_service.issuance.jobs import reconcile_gate, refresh_gate
from coupon_service.issuance.resident_api import bp as family

MODULE = Module(
    name="issuance",
    apis=[bp, family],
    jobs=[
        # Two passes free a lost seat, so this period is also the age a seat must reach to be lost.
        Job("issuance.reconcile_gate", "maintenance", reconcile_gate, every_s=10),
        Job("issuance.refresh_gate", "maintenance", refresh_gate, on=CHANGED),
    ],
    setup=init_gate,
)
