"""Who may act for whom. The one place that decides it, for claiming and for showing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now, local_date
from coupon_service.core.personal import Vault
from coupon_service.residents.errors import (
    NotAnAdultError,
    TooManyGuardiansError,
    TooManyPrincipalsError,
)
from coupon_service.residents.models import Proxy, ProxyState, Relation, Resident
from coupon_service.residents.names import mask_name
from coupon_service.residents.personal_data import unseal

PRINCIPALS_MAX = 5  # an agent acts for
GUARDIANS_MAX = 2  # a child has
ADULT_AGE = 18


@dataclass(frozen=True)
class Principal:
    """Somebody an agent acts for. The name is masked."""

    id: UUID
    name: str
    relation: Relation
    born_on: date | None


def may_act_for(session: Session, agent_id: UUID, principal_id: UUID) -> Relation | None:
    """Whether, and as what, the agent may act for the principal at this moment; None: not at all.

    The proxy is held until the transaction ends: one that is being withdrawn is either gone
    already, or is withdrawn after what is done here.
    """
    found = session.execute(
        select(Proxy.relation, Resident.born_on)
        .join(Resident, Resident.id == Proxy.principal_id)
        .where(
            Proxy.agent_id == agent_id,
            Proxy.principal_id == principal_id,
            Proxy.state == ProxyState.LIVE,
            Resident.verified_at.is_not(None),
        )
        .with_for_update(read=True, of=Proxy)
    ).one_or_none()
    if found is None:
        return None
    relation = Relation(found.relation)
    return relation if _stands(relation, found.born_on, local_date(db_now(session))) else None


def acting_for(session: Session, vault: Vault, agent_id: UUID) -> list[Principal]:
    """Everybody the agent may act for, in the order they came to be."""
    today = local_date(db_now(session))
    rows = session.execute(
        select(Resident.id, Proxy.relation, Resident.born_on)
        .join(Resident, Resident.id == Proxy.principal_id)
        .where(
            Proxy.agent_id == agent_id,
            Proxy.state == ProxyState.LIVE,
            Resident.verified_at.is_not(None),
        )
        .order_by(Proxy.consented_at, Proxy.id)
    )
    return [
        Principal(id_, masked_name(session, vault, id_), Relation(relation), born_on)
        for id_, relation, born_on in rows
        if _stands(Relation(relation), born_on, today)
    ]


def age(born_on: date, today: date) -> int:
    """Years completed; who was born on 29 February completes one on 1 March of common years."""
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def is_adult(born_on: date | None, today: date) -> bool:
    """Of age; somebody whose date of birth is not known is not."""
    return born_on is not None and age(born_on, today) >= ADULT_AGE


def masked_name(session: Session, vault: Vault, resident_id: UUID) -> str:
    """`张**`, or as much as is known."""
    found = unseal(session, vault, resident_id)
    return mask_name(found.name) if found and found.name else "***"


def admit_agent(session: Session, agent: Resident, now: datetime) -> None:
    """Whether the agent, whose row is locked, may act for one more.

    Raises:
        NotAnAdultError, TooManyPrincipalsError
    """
    if agent.verified_at is None or not is_adult(agent.born_on, local_date(now)):
        raise NotAnAdultError
    held = session.execute(
        select(func.count())
        .select_from(Proxy)
        .where(Proxy.agent_id == agent.id, unanswered_or_live())
    ).scalar_one()
    if held >= PRINCIPALS_MAX:
        raise TooManyPrincipalsError(limit=PRINCIPALS_MAX)


def admit_guardian(session: Session, principal_id: UUID) -> None:
    """Whether the child, whose row is locked, may have one more guardian.

    Raises:
        TooManyGuardiansError
    """
    held = session.execute(
        select(func.count())
        .select_from(Proxy)
        .where(
            Proxy.principal_id == principal_id,
            Proxy.relation == Relation.GUARDIAN,
            unanswered_or_live(),
        )
    ).scalar_one()
    if held >= GUARDIANS_MAX:
        raise TooManyGuardiansError


def live_guardians(session: Session, principal_id: UUID) -> list[UUID]:
    """The agents who are a child's guardians now."""
    return list(
        filter(
            None,
            session.scalars(
                select(Proxy.agent_id).where(
                    Proxy.principal_id == principal_id,
                    Proxy.relation == Relation.GUARDIAN,
                    Proxy.state == ProxyState.LIVE,
                )
            ),
        )
    )


def unanswered_or_live() -> ColumnElement[bool]:
    """Proxies that are or may become one: what caps count."""
    return or_(
        Proxy.state == ProxyState.LIVE,
        and_(Proxy.state == ProxyState.ASKED, Proxy.code_index.is_(None)),
    )


def lock_residents(session: Session, ids: Sequence[UUID]) -> dict[UUID, Resident]:
    """The residents, locked in one order, so that caps are counted by one transaction at a time."""
    rows = session.scalars(
        select(Resident)
        .where(Resident.id.in_(ids))
        .order_by(Resident.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _stands(relation: Relation, born_on: date | None, today: date) -> bool:
    """A guardian's proxy ends by itself on the child's eighteenth birthday."""
    return relation is not Relation.GUARDIAN or not is_adult(born_on, today)
