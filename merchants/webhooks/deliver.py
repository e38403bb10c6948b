"""Deliver: what is due leaves, at least once, and no endpoint waits for another.

A delivery is taken in one transaction, sent, and settled in another: a process that dies in between
leaves it taken, and `LEASE` later it is sent again under the same id. Each endpoint is served by a
thread of its own. One that fails is left alone for a while, so that what is down takes five seconds
of a thread now and then, however much waits for it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.log import get_logger
from coupon_service.core.resources import Resources, resources
from coupon_service.core.webhooks import TIMEOUT_S, Attempt, deliver
from merchants.webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from merchants.webhooks.secret import live_keys

# Between attempts; after the one that follows the last of them, a delivery is given up.
BACK_OFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
# The longest an endpoint is left alone: whether it is back is found out within a minute.
REST_MAX = timedelta(minutes=1)
# Longer than any attempt takes.
LEASE = timedelta(minutes=1)
# One run: so many endpoints at a time, each for so long, then others have their turn. All of it,
# with a time-out at the end of each turn, takes less than the sweeper allows a job.
THREADS = 8
TURN_S = 5.0
ENDPOINTS_PER_RUN = 3 * THREADS

log = get_logger(__name__)


@dataclass(frozen=True)
class _Taken:
    id: UUID
    endpoint_id: UUID
    event_id: UUID
    url: str
    keys: list[bytes]
    body: bytes
    now: datetime


def deliver_due(session: Session) -> None:
    """Serve every endpoint for which something is due."""
    endpoint_ids = session.scalars(
        select(WebhookDelivery.endpoint_id)
        .join(WebhookDelivery.endpoint)
        .where(_due(db_now(session)))
        .group_by(WebhookDelivery.endpoint_id)
        # Whoever has waited longest comes first.
        .order_by(func.min(WebhookDelivery.next_at))
        .limit(ENDPOINTS_PER_RUN)
    ).all()
    if not endpoint_ids:
        return
    with ThreadPoolExecutor(min(THREADS, len(endpoint_ids))) as threads:
        for _ in threads.map(partial(_serve, resources()), endpoint_ids):
            pass


def _serve(held: Resources, endpoint_id: UUID) -> None:
    """Send what is due to one endpoint, until something fails or its turn is over."""
    ends = monotonic() + TURN_S
    while monotonic() < ends:
        taken = _take(held, endpoint_id)
        if taken is None:
            return
        attempt = deliver(
            taken.url,
            taken.keys,
            str(taken.event_id),
            taken.body,
            now_s=int(taken.now.timestamp()),
            timeout_s=TIMEOUT_S,
            allow_private=held.settings.webhooks_private,
        )
        with transaction(held.sessions) as session:
            if attempt.succeeded:
                _note_success(session, taken, attempt)
            else:
                _note_failure(session, taken, attempt)
        if not attempt.succeeded:
            return


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(
        WebhookDelivery.state == DeliveryState.WAITING,
        WebhookDelivery.next_at <= now,
        WebhookEndpoint.is_active,
        or_(WebhookEndpoint.resume_at.is_(None), WebhookEndpoint.resume_at <= now),
    )


def _take(held: Resources, endpoint_id: UUID) -> _Taken | None:
    """The oldest delivery that is due, for `LEASE`; nobody else takes it meanwhile."""
    with transaction(held.sessions) as session:
        now = db_now(session)
        row = session.execute(
            select(WebhookDelivery, WebhookEndpoint)
            .join(WebhookDelivery.endpoint)
            .where(WebhookDelivery.endpoint_id == endpoint_id, _due(now))
            .order_by(WebhookDelivery.next_at, WebhookDelivery.id)
            .limit(1)
            .with_for_update(of=WebhookDelivery, skip_locked=True)
        ).one_or_none()
        if row is None:
            return None
        delivery, endpoint = row
        delivery.attempts += 1
        delivery.next_at = now + LEASE
        return _Taken(
            delivery.id,
            endpoint.id,
            delivery.event_id,
            endpoint.url,
            live_keys(held.vault, endpoint, now),
            delivery.body.encode(),
            now,
        )


def _note_success(session: Session, taken: _Taken, attempt: Attempt) -> None:
    now = db_now(session)
    _settle(session, taken, attempt, state=DeliveryState.DELIVERED, next_at=None, delivered_at=now)
    session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == taken.endpoint_id, WebhookEndpoint.failures > 0)
        .values(failures=0, resume_at=None, failing_since=None)
    )


def _note_failure(session: Session, taken: _Taken, attempt: Attempt) -> None:
    log.info(
        "webhook failed",
        endpoint_id=str(taken.endpoint_id),
        status=attempt.status,
        error=attempt.error,
    )
    now = db_now(session)
    delivery = session.get(WebhookDelivery, taken.id)
    endpoint = session.get(WebhookEndpoint, taken.endpoint_id, with_for_update=True)
    if delivery is None or endpoint is None:
        return  # removed meanwhile
    endpoint.failures += 1
    endpoint.resume_at = now + min(_pause(endpoint.failures), REST_MAX)
    gives_up = attempt.is_gone or delivery.attempts > len(BACK_OFF)
    if attempt.is_gone:
        endpoint.is_active = False
    if gives_up:
        endpoint.failing_since = endpoint.failing_since or now
        _settle(session, taken, attempt, state=DeliveryState.GIVEN_UP, next_at=None)
    else:
        _settle(session, taken, attempt, next_at=now + _pause(delivery.attempts))


def _settle(session: Session, taken: _Taken, attempt: Attempt, **values: object) -> None:
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == taken.id, WebhookDelivery.state == DeliveryState.WAITING)
        .values(
            last_status=attempt.status,
            last_error=attempt.error,
            last_took_ms=attempt.took_ms,
            **values,
        )
    )


def _pause(failures: int) -> timedelta:
    """How long to wait after that many failures in a row, from 1."""
    return BACK_OFF[min(failures, len(BACK_OFF)) - 1]
