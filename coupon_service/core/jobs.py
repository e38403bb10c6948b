"""Background jobs: what they are, and how one is run exactly once.

The business transaction writes an outbox row per listener (`emit`). The relay hands rows to RQ, and
a sweeper hands over again what did not finish. A handler runs in the transaction that marks its
row done: its effects happen once however often the queue delivers it. The queue is a hint, the
table is the record.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from coupon_service.core.clock import LOCAL_ZONE, db_now, local_date
from coupon_service.core.db import Sessions, as_rows, transaction
from coupon_service.core.ids import new_id
from coupon_service.core.log import get_logger
from coupon_service.core.models import OutboxRow

Handler = Callable[..., object]

RELAY_BATCH_ROWS = 500
ROWS_PER_QUEUE_JOB = 50
# What RQ imports and calls with a list of row ids.
RUN_ROWS = "coupon_service.entrypoints.worker.run_rows"
# Longer than any handler may run, so that the sweeper does not race a worker that still works.
UNFINISHED_AFTER_S = 60
JOB_TIMEOUT_S = 300
ATTEMPTS_MAX = 20

log = get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """One kind of background work.

    Attributes:
        name: `<package>.<verb>`, unique.
        queue: the RQ queue; a worker process serves exactly one.
        handler: called as `handler(session, **payload)`; must not commit.
        on: topic whose every emission runs this job.
        every_s: period of a scheduled job, in seconds.
        daily_at: local time of day of a job that runs once a day.
    """

    name: str
    queue: str
    handler: Handler
    on: str | None = None
    every_s: int | None = None
    daily_at: time | None = None


class JobRegistry:
    """All jobs of the running service, by name and by topic."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._by_name: dict[str, Job] = {}
        for job in jobs:
            if job.name in self._by_name:
                raise ValueError(f"two jobs are named {job.name}")
            self._by_name[job.name] = job

    def __iter__(self) -> Iterator[Job]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Job:
        return self._by_name[name]

    def listening_to(self, topic: str) -> list[Job]:
        return [job for job in self if job.on == topic]

    @property
    def queues(self) -> list[str]:
        return sorted({job.queue for job in self})


def emit(session: Session, topic: str, **ids: Any) -> None:
    """Record, in the caller's transaction, that every job listening to `topic` has work to do."""
    emit_all(session, topic, [ids])


def emit_all(session: Session, topic: str, events: Sequence[Mapping[str, Any]]) -> None:
    """`emit` for many events of one topic."""
    registry: JobRegistry = session.info["jobs"]
    _record(
        session,
        [(new_id(), job, ids) for job in registry.listening_to(topic) for ids in events],
    )


def emit_job(session: Session, name: str, **ids: Any) -> UUID:
    """Record one run of the named job; returns the outbox row's id."""
    registry: JobRegistry = session.info["jobs"]
    row_id = new_id()
    _record(session, [(row_id, registry.named(name), ids)])
    return row_id


def emit_due(session: Session, registry: JobRegistry, now: datetime) -> None:
    """Record the scheduled jobs whose time has come, each period once, however many tickers run."""
    for job in registry:
        slot = _slot(job, now)
        if slot is not None:
            _record(session, [(uuid5(NAMESPACE_URL, f"{job.name}@{slot}"), job, {})])


def relay(sessions: Sessions, queue_redis: Redis) -> int:
    """Hand recorded rows to RQ; returns how many. Safe to run in several processes.

    After COMMIT: a worker that starts at once would find a row still locked, take it for somebody
    else's, and leave it to the sweeper. A relay that dies in between leaves its rows to it too.
    """
    by_queue = _mark_enqueued(sessions)
    left = dict(by_queue)
    try:
        for queue, ids in by_queue.items():
            rq = Queue(queue, connection=queue_redis, serializer=JSONSerializer)
            for start in range(0, len(ids), ROWS_PER_QUEUE_JOB):
                rq.enqueue(
                    RUN_ROWS,
                    [str(row_id) for row_id in ids[start : start + ROWS_PER_QUEUE_JOB]],
                    job_timeout=JOB_TIMEOUT_S,
                    result_ttl=0,
                    failure_ttl=86_400,
                )
            del left[queue]
    finally:
        if left:  # Redis is away: the next turn tries again, and a row handed over twice runs once
            _unmark_enqueued(sessions, [row_id for ids in left.values() for row_id in ids])
    return sum(map(len, by_queue.values()))


def sweep(sessions: Sessions) -> int:
    """Offer again what was handed to RQ and never finished; returns how many rows."""
    with transaction(sessions) as session:
        lost = session.execute(
            update(OutboxRow)
            .where(
                OutboxRow.done_at.is_(None),
                OutboxRow.enqueued_at < db_now(session) - timedelta(seconds=UNFINISHED_AFTER_S),
                OutboxRow.attempts < ATTEMPTS_MAX,
            )
            .values(enqueued_at=None)
            .returning(OutboxRow.id)
        ).all()
        return len(lost)


def run_row(sessions: Sessions, row_id: UUID) -> bool:
    """Run one outbox row unless it is done or being run; returns whether it ran to its end."""
    try:
        with transaction(sessions) as session:
            row = session.execute(
                select(OutboxRow)
                .where(OutboxRow.id == row_id, OutboxRow.done_at.is_(None))
                .with_for_update(skip_locked=True)
            ).scalar_one_or_none()
            if row is None:
                return False
            registry: JobRegistry = session.info["jobs"]
            registry.named(row.job).handler(session, **_revived(row.payload))
            row.done_at = db_now(session)
            return True
    except Exception as error:
        log.exception("job failed", outbox_id=str(row_id), error=type(error).__name__)
        with transaction(sessions) as session:
            session.execute(
                update(OutboxRow)
                .where(OutboxRow.id == row_id)
                .values(attempts=OutboxRow.attempts + 1, last_error=type(error).__name__)
            )
        return False


def drain(sessions: Sessions) -> int:
    """Run everything recorded, in this process, without a queue; returns how many rows ran.

    For commands and tests that must see the effects before they go on.
    """
    ran = 0
    while True:
        with transaction(sessions) as session:
            ids = session.scalars(
                select(OutboxRow.id)
                .where(OutboxRow.done_at.is_(None), OutboxRow.attempts == 0)
                .order_by(OutboxRow.id)
            ).all()
        done = sum(run_row(sessions, row_id) for row_id in ids)
        if not done:
            return ran
        ran += done


def _mark_enqueued(sessions: Sessions) -> dict[str, list[UUID]]:
    """Take the waiting rows, by queue, oldest first."""
    by_queue: dict[str, list[UUID]] = {}
    with transaction(sessions) as session:
        rows = session.execute(
            select(OutboxRow.id, OutboxRow.queue)
            .where(OutboxRow.enqueued_at.is_(None), OutboxRow.done_at.is_(None))
            .order_by(OutboxRow.id)
            .limit(RELAY_BATCH_ROWS)
            .with_for_update(skip_locked=True)
        ).all()
        for row_id, queue in rows:
            by_queue.setdefault(queue, []).append(row_id)
        if rows:
            session.execute(
                update(OutboxRow)
                .where(OutboxRow.id.in_([row_id for row_id, _ in rows]))
                .values(enqueued_at=func.clock_timestamp())
            )
    return by_queue


def _unmark_enqueued(sessions: Sessions, row_ids: list[UUID]) -> None:
    with transaction(sessions) as session:
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.id.in_(row_ids), OutboxRow.done_at.is_(None))
            .values(enqueued_at=None)
        )


_RECORD = text(
    """
    INSERT INTO outbox (id, queue, job, payload)
    SELECT * FROM json_to_recordset(CAST(:rows AS json))
        AS run (id uuid, queue text, job text, payload jsonb)
    ON CONFLICT (id) DO NOTHING
    """
)


def _record(session: Session, runs: Sequence[tuple[UUID, Job, Mapping[str, Any]]]) -> None:
    if not runs:
        return
    rows = [
        {"id": row_id, "queue": job.queue, "job": job.name, "payload": payload}
        for row_id, job, payload in runs
    ]
    session.execute(_RECORD, {"rows": as_rows(rows)})


def _revived(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {key: UUID(value) if key.endswith("_id") else value for key, value in payload.items()}


def _slot(job: Job, now: datetime) -> str | None:
    if job.every_s is not None:
        return str(int(now.timestamp()) // job.every_s)
    if job.daily_at is not None and now.astimezone(LOCAL_ZONE).time() >= job.daily_at:
        return local_date(now).isoformat()
    return None
