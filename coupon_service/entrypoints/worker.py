"""A worker: one process, one queue."""

from uuid import UUID

from flask import Flask
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from coupon_service.core.jobs import run_row
from coupon_service.core.resources import resources


def work(app: Flask, queue: str, *, burst: bool = False) -> None:
    """Run the queue's jobs until told to stop.

    One queue only: a worker that listens to two can lose a job for ever when it is killed. The
    worker does not fork per job, since each row runs in a transaction of its own anyway.
    """
    with app.app_context():
        connection = resources().queue_redis
        SimpleWorker(
            [Queue(queue, connection=connection, serializer=JSONSerializer)],
            connection=connection,
            serializer=JSONSerializer,
        ).work(burst=burst, logging_level="WARNING")


def run_rows(row_ids: list[str]) -> None:
    """What RQ calls: run each row in its own transaction, so one failure leaves the others done."""
    for row_id in row_ids:
        run_row(resources().sessions, UUID(row_id))
