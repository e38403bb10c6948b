"""A resident's household as one picture, for the page and the API."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date
from coupon_service.core.personal import Vault
from coupon_service.residents.answer_request import may_answer
from coupon_service.residents.household import age, is_adult, masked_name
from coupon_service.residents.models import Proxy, ProxyState, Relation, Resident


class Standing(StrEnum):
    """How a proxy looks to the resident who asks."""

    ACTS_FOR = "acts_for"  # they act for the other
    ACTED_FOR = "acted_for"  # the other acts for them
    TO_ANSWER = "to_answer"  # they are asked
    WAITING = "waiting"  # the other is asked, or an official
    INVITED = "invited"  # an invitation nobody took up yet


@dataclass(frozen=True)
class Tie:
    """One proxy, seen from one side.

    Attributes:
        other_id: the other person; None in an invitation.
        other: their masked name.
        child: whose child it is about, masked, where a guardian answers for one.
        other_age: years, of somebody acted for.
        speaks: whether the other can sign in and answer for themselves.
    """

    proxy_id: UUID
    standing: Standing
    relation: Relation
    other_id: UUID | None
    other: str | None
    child: str | None
    other_age: int | None
    speaks: bool
    acts: bool
    asked_at: datetime
    expires_at: datetime | None


def family_of(session: Session, vault: Vault, resident_id: UUID, *, now: datetime) -> list[Tie]:
    """Everything between the resident and their family, the oldest first."""
    rows = session.scalars(
        select(Proxy)
        .where(
            Proxy.withdrawn_at.is_(None),
            or_(
                Proxy.principal_id == resident_id,
                Proxy.agent_id == resident_id,
                may_answer(resident_id),
            ),
            or_(Proxy.expires_at.is_(None), Proxy.expires_at > now),
        )
        .order_by(Proxy.id)
    ).all()
    ties = (_tie(session, vault, resident_id, row, now) for row in rows)
    return [tie for tie in ties if tie is not None]


def _tie(
    session: Session, vault: Vault, resident_id: UUID, proxy: Proxy, now: datetime
) -> Tie | None:
    acts = proxy.agent_id == resident_id
    other_id = proxy.principal_id if acts else proxy.agent_id
    other = session.get(Resident, other_id) if other_id else None
    principal = session.get(Resident, proxy.principal_id) if proxy.principal_id else None
    born_on = principal.born_on if principal else None
    today = local_date(now)
    if proxy.relation == Relation.GUARDIAN and is_adult(born_on, today):
        return None  # it ended on the child's birthday
    for_child = proxy.principal_id not in (None, resident_id) and not acts
    return Tie(
        proxy_id=proxy.id,
        standing=_standing(proxy, resident_id),
        relation=Relation(proxy.relation),
        other_id=other_id,
        other=masked_name(session, vault, other_id) if other_id else None,
        child=masked_name(session, vault, proxy.principal_id)
        if for_child and proxy.principal_id
        else None,
        other_age=age(born_on, today) if acts and born_on else None,
        speaks=other is not None and other.phone_index is not None,
        acts=acts,
        asked_at=proxy.asked_at,
        expires_at=proxy.expires_at,
    )


def _standing(proxy: Proxy, resident_id: UUID) -> Standing:
    if proxy.state == ProxyState.LIVE:
        return Standing.ACTS_FOR if proxy.agent_id == resident_id else Standing.ACTED_FOR
    if proxy.code_index is not None:
        return Standing.INVITED
    return Standing.WAITING if proxy.asked_by_id == resident_id else Standing.TO_ANSWER
