"""The ticker: hands recorded work to the queues, offers lost work again, and keeps the schedule."""

import signal
import threading
import time

from flask import Flask
from redis.exceptions import RedisError

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.jobs import emit_due, relay, sweep
from coupon_service.core.log import get_logger
from coupon_service.core.resources import resources

RELAY_EVERY_S = 0.2
SCHEDULE_EVERY_S = 1.0

log = get_logger(__name__)


def tick(app: Flask) -> None:
    """Run until SIGTERM or SIGINT. Several tickers do no harm: rows and slots are taken once."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    next_schedule = 0.0
    with app.app_context():
        held = resources()
        while not stop.is_set():
            try:
                if time.monotonic() >= next_schedule:
                    next_schedule = time.monotonic() + SCHEDULE_EVERY_S
                    with transaction(held.sessions) as session:
                        emit_due(session, held.jobs, db_now(session))
                    sweep(held.sessions)
                relay(held.sessions, held.queue_redis)
            except (UnavailableError, RedisError) as error:
                log.warning("a server is away", error=type(error).__name__)
                stop.wait(1.0)
            stop.wait(RELAY_EVERY_S)
