"""What the ledger shows to Prometheus."""

from prometheus_client import Gauge

INVARIANT_VIOLATIONS = Gauge(
    "coupon_invariant_violations",
    "Violations found by the last check of all invariants; anything but 0 is an alarm",
    multiprocess_mode="mostrecent",
)
