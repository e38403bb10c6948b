"""The every-minute check of all invariants."""

from sqlalchemy.orm import Session

from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.log import get_logger
from coupon_service.core.resources import resources
from coupon_service.ledger.metrics import INVARIANT_VIOLATIONS

log = get_logger(__name__)


def check_invariants(_session: Session) -> None:
    """Judge every invariant on a snapshot of its own, log each violation, and set the gauge."""
    held = resources()
    with transaction(held.sessions) as snapshot:
        found = violations(snapshot, held.invariants)
    INVARIANT_VIOLATIONS.set(len(found))
    for violation in found:
        log.error("invariant broken", invariant=violation.invariant, found=violation.found)
