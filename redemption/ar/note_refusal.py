"""Note a refusal: the resident reads why, and the provider hears of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from redemption.ar.call_back import REFUSED_TYPE, call_back
from redemption.ar.models import ArRefusal, ArSession, ArSessionState
from redemption.ar.queries import session_with_provider


def note_refusal(
    session: Session, session_id: UUID, nonce: str, slug: str, *, now: datetime
) -> None:
    """Keep the reason of a session's latest refusal, and call back when it is another one.

    Who does not know the nonce leaves nothing here. The session stays open: what ends it is
    success or time.
    """
    waiting = select(
        ArSession.id, literal(slug, Text), literal(now, DateTime(timezone=True))
    ).where(
        ArSession.id == session_id,
        ArSession.nonce == nonce,
        ArSession.state == ArSessionState.OPEN,
    )
    write = insert(ArRefusal).from_select(
        [ArRefusal.session_id, ArRefusal.slug, ArRefusal.refused_at], waiting
    )
    noted = session.execute(
        write.on_conflict_do_update(
            index_elements=[ArRefusal.session_id],
            set_={"slug": write.excluded.slug, "refused_at": write.excluded.refused_at},
            where=ArRefusal.slug != write.excluded.slug,
        ).returning(ArRefusal.session_id)
    ).scalar_one_or_none()
    if noted is None:
        return
    intent = session_with_provider(session, session_id)
    assert intent is not None, "its refusal was noted just now"
    call_back(session, intent, REFUSED_TYPE, {"refused_at": now, "reason": slug}, now=now)
