"""End a proxy, decline a request, or take an invitation back: either side may, at any time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from coupon_service.core.jobs import emit
from coupon_service.residents.answer_request import may_answer
from coupon_service.residents.errors import ProxyNotFoundError
from coupon_service.residents.models import Proxy, ProxyState

# Emitted with `resident_id`, who is told, and `principal_id`, `agent_id`.
WITHDRAWN = "residents.proxy_withdrawn"


def withdraw(session: Session, resident_id: UUID, proxy_id: UUID, *, now: datetime) -> None:
    """Withdraw at once; a claim under way is either stored before or refused after.

    What is withdrawn already stays so.

    Raises:
        ProxyNotFoundError: there is none, or the resident has no part in it.
    """
    proxy = session.execute(
        update(Proxy)
        .where(
            Proxy.id == proxy_id,
            Proxy.withdrawn_at.is_(None),
            or_(
                Proxy.principal_id == resident_id,
                Proxy.agent_id == resident_id,
                may_answer(resident_id),
            ),
        )
        .values(state=ProxyState.WITHDRAWN, withdrawn_at=now)
        .returning(Proxy)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).scalar_one_or_none()
    if proxy is None:
        return _refuse_strangers(session, resident_id, proxy_id)
    if proxy.principal_id is None or proxy.agent_id is None:
        return None  # an invitation: nobody else knew of it
    told = proxy.agent_id if resident_id != proxy.agent_id else proxy.principal_id
    emit(
        session,
        WITHDRAWN,
        resident_id=told,
        principal_id=proxy.principal_id,
        agent_id=proxy.agent_id,
    )
    return None


def _refuse_strangers(session: Session, resident_id: UUID, proxy_id: UUID) -> None:
    part = or_(Proxy.principal_id == resident_id, Proxy.agent_id == resident_id)
    mine = session.execute(select(Proxy.id).where(Proxy.id == proxy_id, part)).scalar_one_or_none()
    if mine is None:
        raise ProxyNotFoundError
