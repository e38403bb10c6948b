"""A resident's own notices and choices."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.notices.kinds import is_wanted
from coupon_service.notices.models import Notice, NoticePreference, Topic, Way

UNREAD_SHOWN_MAX = 99
PAGE_NOTICES = 50


def unread_count(session: Session, resident_id: UUID) -> int:
    """How many notices the resident has not seen, counted up to one more than is shown."""
    some = (
        select(Notice.id)
        .where(Notice.resident_id == resident_id, Notice.read_at.is_(None))
        .limit(UNREAD_SHOWN_MAX + 1)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0


def notices_of(
    session: Session, resident_id: UUID, *, before_id: UUID | None = None, limit: int = PAGE_NOTICES
) -> Sequence[Notice]:
    """The resident's notices, newest first, those before `before_id` if given."""
    wanted = select(Notice).where(Notice.resident_id == resident_id)
    if before_id is not None:
        wanted = wanted.where(Notice.id < before_id)
    return session.scalars(wanted.order_by(Notice.id.desc()).limit(limit)).all()


def mark_read(
    session: Session, resident_id: UUID, notice_ids: Sequence[UUID], *, now: datetime
) -> None:
    """Mark these of the resident's own notices as seen."""
    session.execute(
        update(Notice)
        .where(
            Notice.resident_id == resident_id,
            Notice.id.in_(notice_ids),
            Notice.read_at.is_(None),
        )
        .values(read_at=now)
        .execution_options(synchronize_session=False)
    )


def choices_of(session: Session, resident_id: UUID) -> dict[tuple[Topic, Way], bool]:
    """Whether each topic leaves on each way, by the resident's choice or by default."""
    own: Mapping[tuple[Topic, Way], bool] = {
        (Topic(topic), Way(way)): wanted
        for topic, way, wanted in session.execute(
            select(NoticePreference.topic, NoticePreference.way, NoticePreference.wanted).where(
                NoticePreference.resident_id == resident_id
            )
        )
    }
    return {
        (topic, way): is_wanted(topic, way, own.get((topic, way))) for topic in Topic for way in Way
    }


def choose(session: Session, resident_id: UUID, wanted: Mapping[tuple[Topic, Way], bool]) -> None:
    """Record the resident's choices."""
    rows = insert(NoticePreference).values(
        [
            {"resident_id": resident_id, "topic": topic, "way": way, "wanted": choice}
            for (topic, way), choice in wanted.items()
        ]
    )
    session.execute(
        rows.on_conflict_do_update(
            index_elements=[
                NoticePreference.resident_id,
                NoticePreference.topic,
                NoticePreference.way,
            ],
            set_={"wanted": rows.excluded.wanted},
        )
    )
