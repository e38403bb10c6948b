"""The relay: what is recorded reaches the queue, and the first worker to see it can run it."""

from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy import select

from coupon_service.core.db import transaction
from coupon_service.core.jobs import emit_job, relay, run_row
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources

JOB = "ledger.check_invariants"


def recorded(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return emit_job(session, JOB)


def row(held: Resources, row_id: UUID) -> OutboxRow:
    with transaction(held.sessions) as session:
        return session.execute(select(OutboxRow).where(OutboxRow.id == row_id)).scalar_one()


def test_a_worker_that_starts_at_once_runs_the_row(
    held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id = recorded(held)
    ran: list[bool] = []

    def run_immediately(_queue: Queue, _name: str, row_ids: list[str], **_rest: Any) -> None:
        ran.extend(run_row(held.sessions, UUID(each)) for each in row_ids)

    monkeypatch.setattr(Queue, "enqueue", run_immediately)
    assert relay(held.sessions, held.queue_redis) == 1
    assert ran == [True]
    assert row(held, row_id).done_at is not None


def test_a_relayed_row_waits_in_its_queue_and_is_not_relayed_again(held: Resources) -> None:
    recorded(held)
    assert relay(held.sessions, held.queue_redis) == 1
    assert relay(held.sessions, held.queue_redis) == 0
    queue = held.jobs.named(JOB).queue
    assert Queue(queue, connection=held.queue_redis).count == 1


def test_without_redis_the_row_goes_on_waiting(held: Resources) -> None:
    row_id = recorded(held)
    nowhere = Redis(unix_socket_path="/nowhere.sock")
    with pytest.raises(RedisError):
        relay(held.sessions, nowhere)
    assert row(held, row_id).enqueued_at is None
    assert relay(held.sessions, held.queue_redis) == 1
