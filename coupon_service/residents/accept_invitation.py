"""Take up a relative's invitation: that is the consent of the one, as inviting was of the other."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date
from coupon_service.core.personal import Vault
from coupon_service.residents.errors import (
    AlreadyFamilyError,
    CodeUnknownError,
    OwnInvitationError,
)
from coupon_service.residents.household import (
    admit_agent,
    admit_guardian,
    is_adult,
    lock_residents,
    masked_name,
)
from coupon_service.residents.invite import Role, code_index
from coupon_service.residents.models import Proxy, ProxyState, Relation


@dataclass(frozen=True)
class Invitation:
    """What somebody sees before they say yes: who asks, by masked name, and to be what."""

    asker: str
    role: Role


def read_invitation(
    session: Session, vault: Vault, resident_id: UUID, code: str, *, now: datetime
) -> Invitation:
    """The invitation of a code.

    Raises:
        CodeUnknownError, OwnInvitationError
    """
    proxy = _open_one(session, vault, code, now)
    if proxy.asked_by_id == resident_id:
        raise OwnInvitationError
    role = Role.AGENT if proxy.agent_id is not None else Role.PRINCIPAL
    return Invitation(masked_name(session, vault, proxy.asked_by_id), role)


def accept_invitation(
    session: Session, vault: Vault, resident_id: UUID, code: str, *, now: datetime
) -> Proxy:
    """Make the two a household. A principal under age gets a guardian, others a relative.

    Raises:
        CodeUnknownError, OwnInvitationError, AlreadyFamilyError
        NotAnAdultError: the agent is a child.
        TooManyPrincipalsError, TooManyGuardiansError
    """
    asker_id = _open_one(session, vault, code, now).asked_by_id
    if asker_id == resident_id:
        raise OwnInvitationError
    people = lock_residents(session, [asker_id, resident_id])
    # Again, now that nobody else can be taking it up.
    proxy = _open_one(session, vault, code, now)
    agent_id, principal_id = proxy.agent_id or resident_id, proxy.principal_id or resident_id
    admit_agent(session, people[agent_id], now)
    relation = Relation.RELATIVE
    if not is_adult(people[principal_id].born_on, local_date(now)):
        admit_guardian(session, principal_id)
        relation = Relation.GUARDIAN
    proxy.agent_id, proxy.principal_id, proxy.relation = agent_id, principal_id, relation
    proxy.state, proxy.consented_at = ProxyState.LIVE, now
    proxy.code_index = proxy.expires_at = None
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:  # the unique index on live pairs
        raise AlreadyFamilyError from None
    return proxy


def _open_one(session: Session, vault: Vault, code: str, now: datetime) -> Proxy:
    found = session.execute(
        select(Proxy)
        .where(
            Proxy.code_index == code_index(vault, code),
            Proxy.state == ProxyState.ASKED,
            Proxy.expires_at > now,
        )
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise CodeUnknownError
    return found
