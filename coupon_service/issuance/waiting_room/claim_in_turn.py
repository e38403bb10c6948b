"""Claim in turn: what the claim's edge calls, whether the release has a waiting room or not."""

from uuid import UUID

from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.issuance.claim import Granted
from coupon_service.issuance.desk import claim_online
from coupon_service.issuance.store import stored_vouchers
from coupon_service.issuance.waiting_room.errors import (
    TicketEndedError,
    TicketNeededError,
    TicketSpentError,
)
from coupon_service.issuance.waiting_room.ticket import needs_ticket, using


def claim_in_turn(
    resident_id: UUID, release_id: UUID, *, ordinal: int = 1, ticket: str | None = None
) -> Granted:
    """Claim for the resident of this request; whoever has the voucher already needs no ticket.

    Raises:
        TicketNeededError, TicketEndedError, TicketSpentError
        ProblemError: the refusal of the claim.
    """
    if not needs_ticket(release_id):
        return claim_online(resident_id, release_id, ordinal=ordinal)
    try:
        with using(release_id, resident_id, ticket):
            return claim_online(resident_id, release_id, ordinal=ordinal)
    except (TicketNeededError, TicketEndedError, TicketSpentError):
        key = (release_id, resident_id, ordinal)
        with transaction(resources().sessions) as session:
            had = stored_vouchers(session, [key]).get(key)
        if had is None:
            raise
        return Granted(had, repeated=True)
