"""Claim for a member of the household: it counts against them, and says who pressed the button."""

from uuid import UUID

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.device import device_hash, network_hash
from coupon_service.issuance.gate import gate
from coupon_service.issuance.waiting_room.ticket import using
from coupon_service.residents.errors import NotYourFamilyError
from coupon_service.residents.household import may_act_for


def claim_for_family(
    agent_id: UUID,
    release_id: UUID,
    *,
    for_resident_id: UUID,
    ordinal: int = 1,
    ticket: str | None = None,
) -> Granted:
    """Claim for somebody the resident of this request may act for.

    The proxy is checked in the claim's own transaction, which holds it: a proxy that is withdrawn
    at the same time is either gone before, or lasts until the voucher is stored. Where there is a
    waiting room, it is the agent who has waited: `ticket` is of their turn.

    Raises:
        NotYourFamilyError: the one may not act for the other.
        TicketNeededError, TicketEndedError, TicketSpentError
        ProblemError: the refusal of the claim.
    """
    with using(release_id, agent_id, ticket), transaction(resources().sessions) as session:
        if may_act_for(session, agent_id, for_resident_id) is None:
            raise NotYourFamilyError
        command = ClaimCommand(
            release_id=release_id,
            resident_id=for_resident_id,
            channel=Channel.ONLINE,
            ordinal=ordinal,
            device_hash=device_hash(),
            network=network_hash(),
            claimed_by_id=agent_id,
        )
        (outcome,) = claim(session, gate(), [command])
        match outcome:
            case Granted():
                return outcome
            case Refused(error):
                raise error
