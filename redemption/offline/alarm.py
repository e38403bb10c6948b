"""Alarm: a device's chain does not hold together, so the device ends and an official looks."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from merchants.models import Merchant, Store, Till
from redemption.offline.errors import OfflineAlarmNotFoundError
from redemption.offline.models import AlarmKind, OfflineAlarm, OfflineDevice

# Emitted with `alarm_id`.
TOPIC = "offline.alarm_raised"


def raise_alarm(
    session: Session, device: OfflineDevice, kind: AlarmKind, seq: int, *, now: datetime
) -> None:
    """Close the device; its till trades offline again once the alarm is cleared."""
    alarm = OfflineAlarm(
        id=new_id(), device_id=device.id, till_id=device.till_id, kind=kind, seq=seq, raised_at=now
    )
    session.add(alarm)
    device.closed_at = now
    session.flush()
    emit(session, TOPIC, alarm_id=alarm.id)


def clear_alarm(
    session: Session, alarm_id: UUID, *, district_id: UUID, official_id: UUID, now: datetime
) -> None:
    """The till may enrol again, with a new key and a new chain.

    Raises:
        OfflineAlarmNotFoundError: the district has no such open alarm.
    """
    of_district = (
        select(Till.id)
        .join(Store, Store.id == Till.store_id)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(Merchant.district_id == district_id)
    )
    cleared = session.execute(
        update(OfflineAlarm)
        .where(
            OfflineAlarm.id == alarm_id,
            OfflineAlarm.cleared_at.is_(None),
            OfflineAlarm.till_id.in_(of_district),
        )
        .values(cleared_at=now, cleared_by=official_id)
        .returning(OfflineAlarm.id)
    ).scalar_one_or_none()
    if cleared is None:
        raise OfflineAlarmNotFoundError
