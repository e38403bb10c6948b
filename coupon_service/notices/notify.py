"""Notify: tell a resident something, in the transaction of what happened."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit_job
from coupon_service.notices.kinds import KINDS, KindFacts, is_wanted
from coupon_service.notices.models import (
    Notice,
    NoticeDelivery,
    NoticeKind,
    NoticePreference,
    Topic,
    Way,
)
from coupon_service.notices.quiet import next_due

__all__ = ["NoticeKind", "Told", "notify", "notify_all"]

DELIVER = "notices.deliver"
_ROWS_PER_INSERT = 1_000


@dataclass(frozen=True)
class Told:
    """Whom to tell, and the facts the words are made of: see `kinds.py`."""

    resident_id: UUID
    params: Mapping[str, Any] = field(default_factory=dict)


def notify(session: Session, resident_id: UUID, kind: NoticeKind, **params: Any) -> None:
    """Tell one resident; what leaves the application follows in jobs.

    Parameters are ids, names of campaigns, amounts (`face_fen`) and times: never personal data.
    Telling the same of one voucher or release again does nothing.

    Raises:
        ValueError: a parameter the kind's words need is missing.
    """
    notify_all(session, kind, [Told(resident_id, params)])


def notify_all(session: Session, kind: NoticeKind, told: Sequence[Told]) -> int:
    """Tell many residents something of the same kind; returns how many were not told before.

    Raises:
        ValueError: a parameter the kind's words need is missing.
    """
    facts = KINDS[kind]
    rows = [_row(kind, facts, one) for one in told]
    written: dict[UUID, UUID] = {}
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        found = session.execute(
            insert(Notice)
            .values(rows[start : start + _ROWS_PER_INSERT])
            .on_conflict_do_nothing(index_elements=[Notice.resident_id, Notice.kind, Notice.about])
            .returning(Notice.id, Notice.resident_id)
        )
        written.update((notice_id, resident_id) for notice_id, resident_id in found)
    _plan_deliveries(session, facts, written)
    return len(written)


def _plan_deliveries(session: Session, facts: KindFacts, written: Mapping[UUID, UUID]) -> None:
    """One row per notice and wanted way; those due now are handed to a job each."""
    choices = _choices(session, facts.topic, set(written.values()))
    now = db_now(session)
    due_at = now if facts.at_once else next_due(now)
    planned: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "notice_id": notice_id,
            "way": way,
            "due_at": due_at,
            "handed_at": now if due_at <= now else None,
        }
        for notice_id, resident_id in written.items()
        for way in Way
        if is_wanted(facts.topic, way, choices.get((resident_id, way)))
    ]
    for start in range(0, len(planned), _ROWS_PER_INSERT):
        session.execute(insert(NoticeDelivery).values(planned[start : start + _ROWS_PER_INSERT]))
    hand_over(session, [row["id"] for row in planned if row["handed_at"] is not None])


def hand_over(session: Session, delivery_ids: Iterable[UUID]) -> None:
    """Record one job per delivery: each is tried, and tried again, by itself."""
    for delivery_id in delivery_ids:
        emit_job(session, DELIVER, delivery_id=delivery_id)


def _choices(
    session: Session, topic: Topic, resident_ids: Collection[UUID]
) -> dict[tuple[UUID, Way], bool]:
    rows = session.execute(
        select(NoticePreference.resident_id, NoticePreference.way, NoticePreference.wanted).where(
            NoticePreference.topic == topic, NoticePreference.resident_id.in_(resident_ids)
        )
    )
    return {(resident_id, Way(way)): wanted for resident_id, way, wanted in rows}


def _row(kind: NoticeKind, facts: KindFacts, told: Told) -> dict[str, Any]:
    missing = facts.needs - told.params.keys()
    if missing:
        raise ValueError(f"a notice `{kind}` needs {', '.join(sorted(missing))}")
    params = {key: _wire(value) for key, value in told.params.items()}
    return {
        "id": new_id(),
        "resident_id": told.resident_id,
        "kind": kind,
        "params": params,
        "about": str(params[facts.once_per]) if facts.once_per else None,
    }


def _wire(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
