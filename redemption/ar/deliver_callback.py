"""Deliver a callback: at least once, with ever longer pauses, until it is given up."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import emit_job
from coupon_service.core.log import get_logger
from coupon_service.core.resources import resources
from coupon_service.core.webhooks import Attempt, deliver
from redemption.ar.call_back import DELIVER, webhook_id
from redemption.ar.keys import live_keys
from redemption.ar.models import ArCallback, ArProvider
from redemption.ar.schemas import EVENT_MEDIA_TYPE

# After each attempt that failed. Who has not answered for a day and a half is not waiting.
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
DUE_BATCH = 200

log = get_logger(__name__)


def deliver_callback(session: Session, callback_id: UUID) -> None:
    """Try once, if it is due; the answer of the other side decides what is next.

    The attempt is counted, and the next one set, in a transaction of its own before anything is
    sent: a worker that dies in between leaves a callback that is due again later.
    """
    found = session.execute(
        select(ArCallback, ArProvider)
        .join(ArProvider, ArProvider.id == ArCallback.provider_id)
        .where(ArCallback.id == callback_id)
    ).one()
    callback, provider = found
    if provider.callback_url is None or not _take(callback):
        return
    held, now = resources(), db_now(session)
    attempt = deliver(
        provider.callback_url,
        live_keys(held.vault, provider, now),
        webhook_id(callback),
        callback.body,
        now_s=int(now.timestamp()),
        allow_private=held.settings.webhooks_private,
        content_type=EVENT_MEDIA_TYPE,
    )
    _conclude(callback, provider, attempt)


def deliver_due(session: Session) -> None:
    """Hand over again what failed before and is due."""
    due = session.scalars(
        select(ArCallback.id)
        .where(ArCallback.next_at <= db_now(session), ArCallback.attempts > 0)
        .order_by(ArCallback.next_at)
        .limit(DUE_BATCH)
    )
    for callback_id in due.all():
        emit_job(session, DELIVER, callback_id=callback_id)


def _take(callback: ArCallback) -> bool:
    """Count the attempt; whether it is this worker's to make."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        tried = callback.attempts
        taken = session.execute(
            update(ArCallback)
            .where(
                ArCallback.id == callback.id,
                ArCallback.attempts == tried,
                ArCallback.next_at <= now,
            )
            .values(
                attempts=tried + 1,
                next_at=now + PAUSES[tried] if tried < len(PAUSES) else None,
            )
            .returning(ArCallback.id)
        ).scalar_one_or_none()
    return taken is not None


def _conclude(callback: ArCallback, provider: ArProvider, attempt: Attempt) -> None:
    values: dict[str, object] = {"last_result": str(attempt.status or attempt.error)}
    with transaction(resources().sessions) as session:
        if attempt.succeeded:
            values |= {"delivered_at": db_now(session), "next_at": None}
        elif attempt.is_gone:
            values |= {"next_at": None}
            session.execute(
                update(ArProvider)
                .where(
                    ArProvider.id == provider.id, ArProvider.callback_url == provider.callback_url
                )
                .values(callback_url=None)
            )
        session.execute(update(ArCallback).where(ArCallback.id == callback.id).values(values))
    if not attempt.succeeded:
        log.warning(
            "an AR callback was not taken",
            callback_id=str(callback.id),
            provider=provider.code,
            result=values["last_result"],
        )
