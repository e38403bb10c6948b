"""Background work of notices."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.notices.models import (
    DeliveryState,
    Notice,
    NoticeDelivery,
    NoticeKind,
    NoticePreference,
)
from coupon_service.notices.notify import hand_over, notify

DEFERRED_BATCH = 1_000
NOTICES_KEPT = timedelta(days=400)


def deliver_deferred(session: Session) -> None:
    """Hand over what waited for the quiet hours to end."""
    now = db_now(session)
    due = (
        select(NoticeDelivery.id)
        .where(
            NoticeDelivery.state == DeliveryState.WAITING,
            NoticeDelivery.handed_at.is_(None),
            NoticeDelivery.due_at <= now,
        )
        .order_by(NoticeDelivery.due_at)
        .limit(DEFERRED_BATCH)
        .with_for_update(skip_locked=True)
    )
    handed = session.scalars(
        update(NoticeDelivery)
        .where(NoticeDelivery.id.in_(due))
        .values(handed_at=now)
        .returning(NoticeDelivery.id)
    ).all()
    hand_over(session, handed)


def forget_notices(session: Session) -> None:
    """Delete what was told long ago, with its deliveries."""
    session.execute(delete(Notice).where(Notice.created_at < db_now(session) - NOTICES_KEPT))


def tell_asked(session: Session, resident_id: UUID, principal_id: UUID, agent_id: UUID) -> None:
    """Tell whoever has to answer that somebody wants to claim for family."""
    notify(
        session,
        resident_id,
        NoticeKind.PROXY_ASKED,
        principal_id=principal_id,
        agent_id=agent_id,
    )


def tell_withdrawn(session: Session, resident_id: UUID, principal_id: UUID, agent_id: UUID) -> None:
    """Tell the other side that claiming for family has ended."""
    notify(
        session,
        resident_id,
        NoticeKind.PROXY_WITHDRAWN,
        principal_id=principal_id,
        agent_id=agent_id,
    )


def forget_resident(session: Session, resident_id: UUID) -> None:
    """Delete all that was told to a resident who was erased."""
    session.execute(delete(Notice).where(Notice.resident_id == resident_id))
    session.execute(delete(NoticePreference).where(NoticePreference.resident_id == resident_id))
