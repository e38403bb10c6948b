"""The edge of entering: what a request, from the API or a page, hands over."""

from uuid import UUID

from coupon_service.core.db import transaction
from coupon_service.core.errors import ForbiddenError
from coupon_service.core.resources import resources
from coupon_service.issuance.lottery.enter import enter, withdraw
from coupon_service.residents.household import may_act_for


def enter_online(agent_id: UUID, release_id: UUID, *, for_resident_id: UUID | None = None) -> bool:
    """Enter whoever asks, or a relative; returns False if they had entered before.

    Raises:
        ForbiddenError: the relative has not agreed to that, or no longer does.
        ProblemError: the refusal.
    """
    with transaction(resources().sessions) as session:
        if for_resident_id in (None, agent_id):
            return enter(session, release_id, agent_id)
        assert for_resident_id is not None
        if may_act_for(session, agent_id, for_resident_id) is None:
            raise ForbiddenError
        return enter(session, release_id, for_resident_id, entered_by_id=agent_id)


def withdraw_online(
    agent_id: UUID, release_id: UUID, *, for_resident_id: UUID | None = None
) -> None:
    """Withdraw one's own entry, or a relative's.

    Raises:
        ForbiddenError: the relative has not agreed to that, or no longer does.
        ProblemError: the refusal.
    """
    with transaction(resources().sessions) as session:
        if for_resident_id in (None, agent_id):
            return withdraw(session, release_id, agent_id)
        assert for_resident_id is not None
        if may_act_for(session, agent_id, for_resident_id) is None:
            raise ForbiddenError
        return withdraw(session, release_id, for_resident_id)
