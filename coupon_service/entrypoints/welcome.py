"""The demo, as the supervisor needs it: without a running service of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from coupon_service.simulation.demo import welcome as demo


def load_demo(settings: Settings) -> bool:
    """Load the demo season unless the database has a season; returns whether it was loaded."""
    with _session(settings) as session:
        return demo.load_demo(session)


def welcome(settings: Settings, url: str) -> str:
    """What a newcomer is told; empty if the database holds something else than the demo."""
    with _session(settings) as session:
        return demo.welcome(session, url)


@contextmanager
def _session(settings: Settings) -> Iterator[Session]:
    with create_app(settings).app_context():
        held = resources()
        try:
            with transaction(held.sessions) as session:
                yield session
        finally:
            # The supervisor keeps no connection of its own.
            held.engine.dispose()
            held.hints.close()
            held.queue_redis.close()
