"""Deliver: one notice leaves on one way, at most once."""

from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import force_locale
from sqlalchemy import update
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.log import get_logger
from coupon_service.core.resources import resources
from coupon_service.notices.models import (
    DeliveryState,
    Notice,
    NoticeDelivery,
    NoticeKind,
    Way,
)
from coupon_service.notices.ways import (
    Message,
    NotTakenError,
    OutcomeUnknownError,
    UnreachableError,
    way_out,
)
from coupon_service.notices.words import words_of
from coupon_service.residents.link_wechat import openid_of
from coupon_service.residents.personal_data import clear_phone

# Later than that, a message tells old news.
USEFUL_FOR = timedelta(hours=24)

log = get_logger(__name__)


def deliver(session: Session, delivery_id: UUID) -> None:
    """Send the message unless it was sent, or may have been.

    "Sending" is committed before anything leaves: a worker that dies in between leaves a delivery
    of unknown outcome, which nobody repeats. Hence the transactions of its own.

    Raises:
        NotTakenError: nothing left; the job is tried again.
    """
    delivery = session.get(NoticeDelivery, delivery_id)
    if delivery is None or delivery.state != DeliveryState.WAITING:
        return
    now = db_now(session)
    if now > delivery.due_at + USEFUL_FOR:
        _move(delivery_id, DeliveryState.WAITING, DeliveryState.LAPSED, now)
        return
    message = _message(session, delivery)
    if message is None:
        _move(delivery_id, DeliveryState.WAITING, DeliveryState.UNREACHABLE, now)
        return
    if not _move(delivery_id, DeliveryState.WAITING, DeliveryState.SENDING, now):
        return  # another worker has it
    outcome = DeliveryState.SENT
    try:
        way_out(Way(delivery.way)).send(message)
    except UnreachableError:
        outcome = DeliveryState.UNREACHABLE
    except OutcomeUnknownError:
        log.warning("nobody knows whether a notice arrived", delivery_id=str(delivery_id))
        return
    except NotTakenError:
        _move(delivery_id, DeliveryState.SENDING, DeliveryState.WAITING, now)
        raise
    _move(delivery_id, DeliveryState.SENDING, outcome, now)


def _message(session: Session, delivery: NoticeDelivery) -> Message | None:
    notice = session.get_one(Notice, delivery.notice_id)
    to = _address(session, notice.resident_id, Way(delivery.way))
    if to is None:
        return None
    kind = NoticeKind(notice.kind)
    with force_locale("zh_Hans_CN"):
        words = words_of(kind, notice.params)
    site = resources().settings.public_url
    return Message(
        delivery_id=delivery.id,
        to=to,
        kind=kind,
        params=notice.params,
        text=f"{words.title}：{words.text}",
        link=f"{site.rstrip('/')}/notices" if site else None,
    )


def _address(session: Session, resident_id: UUID, way: Way) -> str | None:
    vault = resources().vault
    match way:
        case Way.SMS:
            return clear_phone(session, vault, resident_id)
        case Way.WECHAT:
            return openid_of(session, vault, resident_id)


def _move(delivery_id: UUID, before: DeliveryState, after: DeliveryState, now: datetime) -> bool:
    """Change the state, for good; returns whether it was as expected."""
    with transaction(resources().sessions) as session:
        changed = session.execute(
            update(NoticeDelivery)
            .where(NoticeDelivery.id == delivery_id, NoticeDelivery.state == before)
            .values(state=after, sent_at=now if after is DeliveryState.SENT else None)
            .returning(NoticeDelivery.id)
        ).scalar_one_or_none()
    return changed is not None
