"""Say yes to being acted for: by the person, a child's guardian, or before an official."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from coupon_service.residents.errors import ProxyEndedError, ProxyNotFoundError
from coupon_service.residents.models import Proxy, ProxyState, Relation, Resident


def consent(session: Session, resident_id: UUID, proxy_id: UUID, *, now: datetime) -> None:
    """The one who is asked says yes. Saying it again changes nothing.

    Raises:
        ProxyNotFoundError: there is no such request, or it is not theirs to answer.
        ProxyEndedError: it was theirs to answer, and is over.
    """
    if _go_live(session, and_(Proxy.id == proxy_id, may_answer(resident_id)), now):
        return
    state = session.execute(
        select(Proxy.state).where(Proxy.id == proxy_id, Proxy.principal_id == resident_id)
    ).scalar_one_or_none()
    if state is None:
        raise ProxyNotFoundError
    if state == ProxyState.WITHDRAWN:
        raise ProxyEndedError


def confirm_at_counter(
    session: Session, proxy_id: UUID, official_id: UUID, *, now: datetime
) -> None:
    """An official has seen the principal's document and heard them say yes.

    The caller records the act and the look-up (`record_read`, purpose `counter-consent`).

    Raises:
        ProxyNotFoundError: there is no such request that a counter confirms.
    """
    waiting = and_(Proxy.id == proxy_id, Proxy.relation == Relation.CARER)
    if not _go_live(session, waiting, now, official_id):
        raise ProxyNotFoundError


def may_answer(resident_id: UUID) -> ColumnElement[bool]:
    """Requests that this resident answers: as the principal, or for a child as its guardian."""
    theirs = aliased(Proxy)
    speaks_for_child = and_(
        Proxy.relation == Relation.GUARDIAN,
        exists().where(
            theirs.principal_id == Proxy.principal_id,
            theirs.agent_id == resident_id,
            theirs.relation == Relation.GUARDIAN,
            theirs.state == ProxyState.LIVE,
        ),
        exists().where(Resident.id == Proxy.principal_id, Resident.phone_index.is_(None)),
    )
    return and_(
        Proxy.state == ProxyState.ASKED,
        Proxy.code_index.is_(None),
        Proxy.asked_by_id != resident_id,
        or_(Proxy.principal_id == resident_id, speaks_for_child),
    )


def waiting_at_counter(session: Session, principal_id: UUID) -> list[Proxy]:
    """The requests of carers that an official may confirm with this person."""
    return list(
        session.scalars(
            select(Proxy)
            .where(
                Proxy.principal_id == principal_id,
                Proxy.relation == Relation.CARER,
                Proxy.state == ProxyState.ASKED,
            )
            .order_by(Proxy.id)
        )
    )


def _go_live(
    session: Session,
    which: ColumnElement[bool],
    now: datetime,
    official_id: UUID | None = None,
) -> bool:
    # A request counts against the caps from the moment it is made, so none is passed here.
    live = session.execute(
        update(Proxy)
        .where(Proxy.state == ProxyState.ASKED, which)
        .values(state=ProxyState.LIVE, consented_at=now, confirmed_by=official_id)
        .returning(Proxy.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    return live is not None
