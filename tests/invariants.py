"""The oracle of every test that changes money or vouchers."""

from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.resources import Resources


def assert_invariants(held: Resources) -> None:
    """All invariants of all packages hold on a fresh snapshot."""
    with transaction(held.sessions) as snapshot:
        assert violations(snapshot, held.invariants) == []
