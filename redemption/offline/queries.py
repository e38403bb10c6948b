"""Shared reads of offline trading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from merchants.models import Merchant, MerchantState, Store, Till
from redemption.offline.errors import (
    OfflineDeviceNotFoundError,
    OfflineNotAllowedError,
    OfflineSuspendedError,
)
from redemption.offline.models import AlarmKind, OfflineAlarm, OfflineDevice, OfflineMerchant


def allowed_merchant(session: Session, till_id: UUID) -> OfflineMerchant:
    """The opt-in of the till's merchant.

    Raises:
        OfflineNotAllowedError: there is none, or till or merchant are switched off.
    """
    found = session.scalars(
        select(OfflineMerchant)
        .join(Merchant, Merchant.id == OfflineMerchant.merchant_id)
        .join(Store, Store.merchant_id == Merchant.id)
        .join(Till, Till.store_id == Store.id)
        .where(
            Till.id == till_id,
            Till.is_active,
            Merchant.state == MerchantState.ACTIVE,
            OfflineMerchant.ended_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        raise OfflineNotAllowedError
    return found


def may_trade_offline(session: Session, till_id: UUID) -> bool:
    """Whether the till's merchant has been allowed."""
    try:
        allowed_merchant(session, till_id)
    except OfflineNotAllowedError:
        return False
    return True


def refuse_alarmed(session: Session, till_id: UUID) -> None:
    """Go on only if no alarm of the till is open.

    Raises:
        OfflineSuspendedError: one is.
    """
    is_alarmed = exists().where(OfflineAlarm.till_id == till_id, OfflineAlarm.cleared_at.is_(None))
    if session.execute(select(is_alarmed)).scalar_one():
        raise OfflineSuspendedError


def locked_device(session: Session, till_id: UUID, device_id: UUID) -> OfflineDevice:
    """An open device of the till; nobody else brings its records in until the transaction ends.

    Raises:
        OfflineSuspendedError: an alarm of the till is open.
        OfflineDeviceNotFoundError: the till has no such device, or it is closed.
    """
    device = session.scalars(
        select(OfflineDevice)
        .where(OfflineDevice.id == device_id, OfflineDevice.till_id == till_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    refuse_alarmed(session, till_id)
    if device is None or device.closed_at is not None:
        raise OfflineDeviceNotFoundError
    return device


@dataclass(frozen=True)
class OpenAlarm:
    """An alarm that nobody has cleared, with where it is."""

    id: UUID
    kind: AlarmKind
    merchant: str
    store: str
    till: str
    till_id: UUID
    device_id: UUID
    seq: int
    raised_at: datetime


def open_alarms(session: Session, district_id: UUID) -> Sequence[OpenAlarm]:
    """The district's alarms that wait for an official, oldest first."""
    rows = session.execute(
        select(OfflineAlarm, Merchant.name, Store.name, Till.name)
        .join(Till, Till.id == OfflineAlarm.till_id)
        .join(Store, Store.id == Till.store_id)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(OfflineAlarm.cleared_at.is_(None), Merchant.district_id == district_id)
        .order_by(OfflineAlarm.raised_at, OfflineAlarm.id)
    )
    return [
        OpenAlarm(
            id=alarm.id,
            kind=AlarmKind(alarm.kind),
            merchant=merchant,
            store=store,
            till=till,
            till_id=alarm.till_id,
            device_id=alarm.device_id,
            seq=alarm.seq,
            raised_at=alarm.raised_at,
        )
        for alarm, merchant, store, till in rows
    ]
