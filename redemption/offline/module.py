"""The manifest of this package."""

from coupon_service.core.module import Module
from redemption.offline.api import bp
from redemption.offline.cli import offline_merchant, offline_money
from redemption.offline.invariants import INVARIANTS

MODULE = Module(
    name="offline",
    apis=[bp],
    commands=[offline_merchant, offline_money],
    invariants=INVARIANTS,
)
