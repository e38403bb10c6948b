"""Invite a relative: to act for oneself, or to be acted for. The code is shown once."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.residents.errors import TooManyPrincipalsError
from coupon_service.residents.household import admit_agent, lock_residents
from coupon_service.residents.models import Proxy, ProxyState, Relation

CODE_DIGITS = 10
LASTS = timedelta(hours=24)
OPEN_MAX = 5


class Role(StrEnum):
    """What the one who invites wants to be."""

    AGENT = "agent"
    PRINCIPAL = "principal"


def invite(
    session: Session, vault: Vault, asker_id: UUID, role: Role, *, now: datetime
) -> tuple[Proxy, str]:
    """An invitation and its code, of which only a keyed hash is kept.

    Nobody's phone is asked for, so nothing tells whether somebody uses this service. What the two
    are to each other is settled when it is taken up.

    Raises:
        NotAnAdultError: a child offers to act for others.
        TooManyPrincipalsError: the asker acts for enough people, or has many invitations open.
    """
    asker = lock_residents(session, [asker_id])[asker_id]
    if role is Role.AGENT:
        admit_agent(session, asker, now)
    end_overdue(session, now)
    waiting = session.execute(
        select(func.count())
        .select_from(Proxy)
        .where(
            Proxy.asked_by_id == asker_id,
            Proxy.state == ProxyState.ASKED,
            Proxy.code_index.is_not(None),
        )
    ).scalar_one()
    if waiting >= OPEN_MAX:
        raise TooManyPrincipalsError(limit=OPEN_MAX)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    proxy = Proxy(
        id=new_id(),
        principal_id=asker_id if role is Role.PRINCIPAL else None,
        agent_id=asker_id if role is Role.AGENT else None,
        relation=Relation.RELATIVE,
        state=ProxyState.ASKED,
        asked_by_id=asker_id,
        code_index=code_index(vault, code),
        asked_at=now,
        expires_at=now + LASTS,
    )
    session.add(proxy)
    session.flush()
    return proxy, code


def code_index(vault: Vault, code: str) -> bytes:
    """What is kept of an invitation's code."""
    return vault.index("proxy-invitation", code)


def end_overdue(session: Session, now: datetime) -> None:
    """Withdraw the invitations nobody took up in time."""
    session.execute(
        update(Proxy)
        .where(Proxy.state == ProxyState.ASKED, Proxy.expires_at <= now)
        .values(state=ProxyState.WITHDRAWN, withdrawn_at=now)
    )
