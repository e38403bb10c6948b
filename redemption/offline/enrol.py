"""Enrol: a browser of a till gives the public half of the key that will sign its records."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.vouchers.keys import load_public_key
from redemption.offline.errors import OfflineRecordInvalidError
from redemption.offline.models import OfflineDevice
from redemption.offline.queries import allowed_merchant, refuse_alarmed
from redemption.offline.record import NO_HASH


def enrol(session: Session, till_id: UUID, public_key: bytes, *, now: datetime) -> UUID:
    """The device's id. Enrolling a key again finds the same device.

    Raises:
        OfflineNotAllowedError: the till's merchant has not been allowed.
        OfflineSuspendedError: an alarm of the till is open.
        OfflineRecordInvalidError: no key, or another till's.
    """
    allowed_merchant(session, till_id)
    refuse_alarmed(session, till_id)
    try:
        load_public_key(public_key)
    except ValueError:
        raise OfflineRecordInvalidError from None
    session.execute(
        insert(OfflineDevice)
        .values(
            id=new_id(),
            till_id=till_id,
            public_key=public_key,
            enrolled_at=now,
            brought_hash=NO_HASH,
        )
        .on_conflict_do_nothing(index_elements=[OfflineDevice.public_key])
    )
    found = session.execute(
        select(OfflineDevice.id).where(
            OfflineDevice.public_key == public_key,
            OfflineDevice.till_id == till_id,
            OfflineDevice.closed_at.is_(None),
        )
    ).scalar_one_or_none()
    if found is None:
        raise OfflineRecordInvalidError
    return found
