"""The edge of claiming: what a request, from the API or a page, hands its command to.

It opens the transaction, so that whoever answers a resident answers after COMMIT. The claims of a
process that come at the same time are brought together in one.
"""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from flask import current_app

from coupon_service.campaigns.models import Channel
from coupon_service.core.combine import Combiner
from coupon_service.core.db import in_transaction
from coupon_service.core.resources import resources
from coupon_service.issuance.claim import ClaimCommand, Granted, Outcome, Refused, claim
from coupon_service.issuance.device import device_hash, network_hash
from coupon_service.issuance.errors import SoldOutError
from coupon_service.issuance.gate import gate

_COMBINER = "issuance.combiner"


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
    match _combiner().submit(command):
        case Granted() as granted:
            return granted
        case Refused(error):
            raise error


def _combiner() -> Combiner[ClaimCommand, Outcome]:
    found = current_app.extensions.get(_COMBINER)
    if found is None:
        made: Combiner[ClaimCommand, Outcome] = Combiner(_claim_all)
        found = current_app.extensions.setdefault(_COMBINER, made)
    return cast(Combiner[ClaimCommand, Outcome], found)


def _claim_all(commands: Sequence[ClaimCommand]) -> Sequence[Outcome]:
    return in_transaction(resources().sessions, lambda session: claim(session, gate(), commands))
