"""The edge of claiming with a code, for the API and the page alike: one transaction."""

from coupon_service.core.auth import principal
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.issuance.claim import Granted
from coupon_service.issuance.codes.claim_with_code import claim_with_code
from coupon_service.issuance.codes.throttle import counting_wrong_codes
from coupon_service.issuance.device import device_hash
from coupon_service.issuance.gate import gate


def claim_here(typed: str) -> Granted:
    """Claim with a code for the resident of this request.

    Raises:
        ProblemError: the refusal.
    """
    held = resources()
    with counting_wrong_codes(), transaction(held.sessions) as session:
        return claim_with_code(
            session,
            gate(),
            held.vault,
            typed=typed,
            resident_id=principal().id,
            device_hash=device_hash(),
            now=db_now(session),
        )
