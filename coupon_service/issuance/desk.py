"""The edge of claiming: what a request, from the API or a page, hands its command to.

It opens the transaction, so that whoever answers a resident answers after COMMIT. Concurrent
claims of one process can be brought together here without the use case or its callers noticing.
"""

from uuid import UUID

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.device import device_hash
from coupon_service.issuance.gate import gate


def claim_online(resident_id: UUID, release_id: UUID, *, ordinal: int = 1) -> Granted:
    """Claim for the resident of this request.

    Raises:
        ProblemError: the refusal.
    """
    command = ClaimCommand(
        release_id=release_id,
        resident_id=resident_id,
        channel=Channel.ONLINE,
        ordinal=ordinal,
        device_hash=device_hash(),
    )
    with transaction(resources().sessions) as session:
        (outcome,) = claim(session, gate(), [command])
    match outcome:
        case Granted():
            return outcome
        case Refused(error):
            raise error
