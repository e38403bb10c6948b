"""The manifest of the ledger."""

from coupon_service.core.jobs import Job
from coupon_service.core.module import Module
from coupon_service.ledger.cli import check
from coupon_service.ledger.invariants import INVARIANTS
from coupon_service.ledger.jobs import check_invariants

MODULE = Module(
    name="ledger",
    invariants=INVARIANTS,
    jobs=[Job("ledger.check_invariants", "maintenance", check_invariants, every_s=60)],
    commands=[check],
)
