"""Bind a phone: from now on its key, and no other, shows the resident's vouchers.

A stolen session must not be worth the vouchers in it. So the key never leaves the phone that made
it, a second phone kills the first one's key at once but shows nothing until a cool-down is over,
and the resident is told: whoever did not ask for it has time to take the vouchers back.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.settings import Settings
from coupon_service.notices.notify import NoticeKind, notify
from coupon_service.residents.models import Resident
from coupon_service.vouchers.errors import (
    InvalidPhoneKeyError,
    PhoneBoundElsewhereError,
    TooManyPhonesError,
)
from coupon_service.vouchers.keys import PUBLIC_KEY_BYTES, load_public_key
from coupon_service.vouchers.models import PhoneKey
from coupon_service.vouchers.phones import phone_of

_DAY = timedelta(days=1)


def bind_phone(
    session: Session,
    resident_id: UUID,
    public_key: bytes,
    *,
    replace: bool,
    settings: Settings,
    now: datetime,
) -> PhoneKey:
    """Bind a compressed public key. The first one works at once; the same again changes nothing.

    Raises:
        InvalidPhoneKeyError: not a compressed point of P-256, or in use by somebody else.
        PhoneBoundElsewhereError: another phone is bound, and `replace` is false.
        TooManyPhonesError: as many were bound within a day as the settings allow.
    """
    _check_point(public_key)
    # One bind at a time for each resident. Not FOR UPDATE: claims may go on meanwhile.
    session.execute(
        select(Resident.id).where(Resident.id == resident_id).with_for_update(key_share=True)
    )
    live = phone_of(session, resident_id)
    if live is not None and live.public_key == public_key:
        return live
    if live is not None and not replace:
        raise PhoneBoundElsewhereError
    ever, lately = session.execute(
        select(func.count(), func.count().filter(PhoneKey.bound_at > now - _DAY)).where(
            PhoneKey.resident_id == resident_id
        )
    ).one()
    if lately >= settings.phone_binds_per_day:
        raise TooManyPhonesError
    unbind_phone(session, resident_id, now=now)
    wait = timedelta(seconds=settings.phone_rebind_cooldown_s if ever else 0)
    bound = session.scalars(
        insert(PhoneKey)
        .values(
            id=new_id(),
            resident_id=resident_id,
            public_key=public_key,
            bound_at=now,
            usable_from=now + wait,
        )
        .on_conflict_do_nothing()
        .returning(PhoneKey)
    ).one_or_none()
    if bound is None:  # no honest phone makes a key that somebody else has
        raise InvalidPhoneKeyError
    if ever:
        notify(
            session, resident_id, NoticeKind.PHONE_REBOUND, at=now, usable_from=bound.usable_from
        )
    return bound


def unbind_phone(session: Session, resident_id: UUID, *, now: datetime) -> None:
    """Let no phone show the resident's vouchers any more."""
    session.execute(
        update(PhoneKey)
        .where(PhoneKey.resident_id == resident_id, PhoneKey.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _check_point(public_key: bytes) -> None:
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise InvalidPhoneKeyError
    try:
        load_public_key(public_key)
    except ValueError:
        raise InvalidPhoneKeyError from None
