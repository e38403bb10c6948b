"""Shared reads of bound phones."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from coupon_service.vouchers.errors import PhoneCoolingDownError
from coupon_service.vouchers.models import PhoneKey
from coupon_service.vouchers.token import NO_PHONE


def phone_of(session: Session, resident_id: UUID, *, at: datetime | None = None) -> PhoneKey | None:
    """The phone that is, or was at a moment, bound to a resident, whether it is usable or not."""
    bound = select(PhoneKey).where(PhoneKey.resident_id == resident_id)
    if at is None:
        return session.scalars(bound.where(PhoneKey.revoked_at.is_(None))).one_or_none()
    still_bound = or_(PhoneKey.revoked_at.is_(None), PhoneKey.revoked_at > at)
    then = bound.where(PhoneKey.bound_at <= at, still_bound)
    return session.scalars(then.order_by(PhoneKey.bound_at.desc()).limit(1)).one_or_none()


def phone_with_key(session: Session, public_key: bytes) -> PhoneKey | None:
    """The phone that is bound by this key now, whoever's it is."""
    return session.scalars(
        select(PhoneKey).where(PhoneKey.public_key == public_key, PhoneKey.revoked_at.is_(None))
    ).one_or_none()


def key_to_show_with(phone: PhoneKey | None, now: datetime) -> bytes:
    """What a token says of the phone of whoever looks at a voucher: its key, or that none is bound.

    Raises:
        PhoneCoolingDownError: the phone may not show anything yet.
    """
    if phone is None:
        return NO_PHONE
    if phone.usable_from > now:
        raise PhoneCoolingDownError(usable_from=phone.usable_from.isoformat())
    return phone.public_key
