"""The edge of claiming: what a request, from the API or a page, hands its command to.

It opens the sessions, so that whoever answers a resident answers after COMMIT. The claims of a
process that come at the same time are brought together in one.
"""

from collections.abc import Sequence
from uuid import UUID

from coupon_service.campaigns.models import Channel
from coupon_service.core.combine import combiner
from coupon_service.core.db import in_transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.resources import resources
from coupon_service.issuance.claim import ClaimCommand, Granted, Outcome, Refused, claim
from coupon_service.issuance.claim_at_once import claim_at_once
from coupon_service.issuance.device import device_hash, network_hash
from coupon_service.issuance.errors import SoldOutError
from coupon_service.issuance.gate import gate


def claim_online(resident_id: UUID, release_id: UUID, *, ordinal: int = 1) -> Granted:
    """Claim for the resident of this request.

    Raises:
        ProblemError: the refusal.
    """
    if gate().sold_out_for(release_id, resident_id):
        raise SoldOutError
    command = ClaimCommand(
        release_id=release_id,
        resident_id=resident_id,
        channel=Channel.ONLINE,
        ordinal=ordinal,
        device_hash=device_hash(),
        network=network_hash(),
    )
    match combiner("claim", _claim_all).submit(command):
        case Granted() as granted:
            return granted
        case Refused(error):
            raise error


def _claim_all(commands: Sequence[ClaimCommand]) -> Sequence[Outcome]:
    """Nearly all of them at once, and what is left in a transaction."""
    outcomes = in_transaction(
        resources().statements, lambda session: claim_at_once(session, gate(), commands)
    )
    left = [command for command, outcome in zip(commands, outcomes, strict=True) if outcome is None]
    rest = iter(_claim_left(left) if left else ())
    return [outcome or next(rest) for outcome in outcomes]


def _claim_left(commands: Sequence[ClaimCommand]) -> Sequence[Outcome]:
    try:
        return in_transaction(
            resources().sessions, lambda session: claim(session, gate(), commands)
        )
    except UnavailableError:
        # Their neighbours' vouchers are stored: those are not to hear of it.
        return [Refused(UnavailableError()) for _ in commands]
