"""Add a child, or an adult without a phone, to a household."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from coupon_service.core.personal import Vault
from coupon_service.residents.documents import Document
from coupon_service.residents.errors import (
    AlreadyFamilyError,
    FamilyRefusedError,
    NotAChildError,
    StillAChildError,
    TooManyPrincipalsError,
)
from coupon_service.residents.establish import Established, establish
from coupon_service.residents.household import (
    PRINCIPALS_MAX,
    admit_agent,
    admit_guardian,
    is_adult,
    live_guardians,
    lock_residents,
)
from coupon_service.residents.models import Proxy, ProxyState, Relation
from coupon_service.residents.names import normalise_name

# Somebody who adds and removes people all year is not a family.
DEPENDENTS_PER_YEAR_MAX = 2 * PRINCIPALS_MAX
# Emitted with `resident_id`, who is asked, and `principal_id`, `agent_id`.
ASKED = "residents.proxy_asked"


def add_dependent(
    session: Session,
    vault: Vault,
    agent_id: UUID,
    relation: Relation,
    *,
    name: str,
    document: Document,
    now: datetime,
) -> Proxy:
    """Record that the agent acts for the person of the document, or asks to.

    A child nobody spoke for is the agent's at once, on the agent's word. Otherwise consent is
    asked of the person themselves if they can sign in, of a child's other guardian, and at a
    counter for an adult without a phone.

    Raises:
        InvalidNameError: not well formed.
        NotAnAdultError, NotAChildError, StillAChildError: the ages do not fit the relation.
        TooManyPrincipalsError, TooManyGuardiansError, AlreadyFamilyError
        FamilyRefusedError: the document is known under another name, or is the agent's own.
    """
    known_as = normalise_name(name)
    grown = is_adult(document.born_on, local_date(now))
    if relation is Relation.GUARDIAN and grown:
        raise NotAChildError
    if relation is not Relation.GUARDIAN and not grown:
        raise StillAChildError
    admit_agent(session, lock_residents(session, [agent_id])[agent_id], now)
    _admit_another(session, agent_id, now)
    person = establish(session, vault, known_as, document, now=now)
    if person.id == agent_id or not person.same_name:
        raise FamilyRefusedError
    if relation is Relation.GUARDIAN:
        admit_guardian(session, person.id)
    return _record(session, agent_id, person, relation, now)


def _record(
    session: Session, agent_id: UUID, person: Established, relation: Relation, now: datetime
) -> Proxy:
    asked = _whom_to_ask(session, person, relation)
    at_once = relation is Relation.GUARDIAN and not asked
    proxy = Proxy(
        id=new_id(),
        principal_id=person.id,
        agent_id=agent_id,
        relation=relation,
        state=ProxyState.LIVE if at_once else ProxyState.ASKED,
        asked_by_id=agent_id,
        asked_at=now,
        consented_at=now if at_once else None,
    )
    try:
        with session.begin_nested():
            session.add(proxy)
    except IntegrityError:  # the unique index on live pairs
        raise AlreadyFamilyError from None
    for resident_id in asked:
        emit(session, ASKED, resident_id=resident_id, principal_id=person.id, agent_id=agent_id)
    return proxy


def _whom_to_ask(session: Session, person: Established, relation: Relation) -> list[UUID]:
    if person.has_phone:
        return [person.id]
    return live_guardians(session, person.id) if relation is Relation.GUARDIAN else []


def _admit_another(session: Session, agent_id: UUID, now: datetime) -> None:
    added = session.execute(
        select(func.count())
        .select_from(Proxy)
        .where(
            Proxy.agent_id == agent_id,
            Proxy.relation != Relation.RELATIVE,
            Proxy.asked_at > now - timedelta(days=365),
        )
    ).scalar_one()
    if added >= DEPENDENTS_PER_YEAR_MAX:
        raise TooManyPrincipalsError(limit=DEPENDENTS_PER_YEAR_MAX)
