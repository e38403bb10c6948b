"""What a process holds open: settings, database, Redis, keys. One per Flask application."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from flask import current_app
from redis import Redis
from sqlalchemy import Engine

from coupon_service.core.db import Sessions
from coupon_service.core.invariants import Invariant
from coupon_service.core.jobs import JobRegistry
from coupon_service.core.personal import Vault
from coupon_service.core.risk import RiskGate
from coupon_service.core.settings import Settings

EXTENSION = "coupon_service"


@dataclass(frozen=True)
class Resources:
    """
    Attributes:
        sessions: for transactions.
        statements: sessions in which each statement is a transaction by itself.
    """

    settings: Settings
    engine: Engine
    sessions: Sessions
    statements: Sessions
    hints: Redis
    queue_redis: Redis
    vault: Vault
    jobs: JobRegistry
    invariants: Sequence[Invariant]
    risk: RiskGate


def resources() -> Resources:
    """The current application's resources."""
    return cast(Resources, current_app.extensions[EXTENSION])
