"""Bring in: a device's records become redemptions, in the order of its chain, each once.

Online beats offline, and of two offline tills the first to bring a voucher in wins. What a record
became is stored with it, so the same batch again gets the same answers.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.ids import new_id
from coupon_service.core.risk import RiskGate
from coupon_service.core.settings import Settings
from coupon_service.vouchers.keys import Keyring
from merchants.models import MerchantState
from redemption.errors import MerchantNotActiveError
from redemption.offline.accept import Accepted, Conflict, Moment, accept
from redemption.offline.alarm import raise_alarm
from redemption.offline.book_loss import book_loss
from redemption.offline.errors import OfflineSuspendedError
from redemption.offline.models import (
    AlarmKind,
    OfflineDevice,
    OfflineLease,
    OfflineRecord,
    RecordOutcome,
)
from redemption.offline.queries import locked_device
from redemption.offline.record import Record, read_record
from redemption.queries import active_till

# In one order for everybody, so that two tills with the same vouchers never wait for each other.
_LOCK = text("SELECT id FROM vouchers WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE")
_SUSPENDED = OfflineSuspendedError.slug


@dataclass(frozen=True)
class Sent:
    """A record as it came: its bytes, and the device's signature."""

    body: bytes
    signature: bytes


@dataclass(frozen=True)
class Brought:
    """What became of the records, and whether the device's chain was found broken."""

    records: Sequence[OfflineRecord]
    is_suspended: bool


def bring_in(
    session: Session,
    till_id: UUID,
    device_id: UUID,
    sent: Sequence[Sent],
    *,
    keyring: Keyring,
    risk: RiskGate,
    settings: Settings,
) -> Brought:
    """Judge each record by the moment it was signed, and redeem those that hold.

    A record that does not follow the last one raises an alarm, which ends the device; it and what
    comes after it are kept as evidence.

    Raises:
        OfflineDeviceNotFoundError: the till has no such device, or it is closed.
        OfflineSuspendedError: an alarm of the till is open.
        OfflineRecordInvalidError: one of them was not signed by the device. None is taken.
        TillNotActiveError, MerchantNotActiveError: they may come in again once these may work.
    """
    device = locked_device(session, till_id, device_id)
    records = sorted(
        (
            read_record(one.body, one.signature, device_id=device.id, public_key=device.public_key)
            for one in sent
        ),
        key=lambda record: record.seq,
    )
    merchant = active_till(session, till_id).store.merchant
    if merchant.state != MerchantState.ACTIVE:
        raise MerchantNotActiveError
    session.execute(_LOCK, {"ids": [UUID(bytes=record.code[3:19]) for record in records]})
    now = db_now(session)
    known = _known(session, device.id, [record.hash for record in records])
    leases = _leases(session, device.id, {record.lease_id for record in records})
    moment = Moment(till_id, merchant.id, keyring, risk, settings, now)
    answers = []
    for record in records:
        if (stored := known.get(record.hash)) is None:
            broken = _broken(device, record)
            if broken is not None:
                raise_alarm(session, device, broken, record.seq, now=now)
            if device.closed_at is not None:
                stored = _store(session, record, now, RecordOutcome.BROKEN, slug=_SUSPENDED)
            else:
                lease = leases.get(record.lease_id)
                stored = _take(session, device, record, lease, moment)
            known[record.hash] = stored
        answers.append(stored)
    session.flush()
    return Brought(answers, device.closed_at is not None)


def _broken(device: OfflineDevice, record: Record) -> AlarmKind | None:
    """What is wrong with the place of a record that is new here."""
    follows = device.brought_seq + 1
    if device.closed_at is not None:
        return None
    if record.seq > follows:
        return AlarmKind.GAP
    if record.seq < follows or record.before != device.brought_hash:
        return AlarmKind.FORK
    return None


def _take(
    session: Session,
    device: OfflineDevice,
    record: Record,
    lease: OfflineLease | None,
    moment: Moment,
) -> OfflineRecord:
    """The next record of the chain, with what became of it."""
    chain_fen = device.brought_fen + record.discount_fen
    now = moment.now
    match accept(session, record, lease, moment, chain_fen=chain_fen):
        case Accepted(voucher_id, order_id):
            stored = _store(
                session,
                record,
                now,
                RecordOutcome.REDEEMED,
                voucher_id=voucher_id,
                order_id=order_id,
            )
        case Conflict() as conflict:
            assert lease is not None, "without a lease it is refused"
            stored = _store(
                session,
                record,
                now,
                RecordOutcome.CONFLICT,
                voucher_id=conflict.voucher_id,
                slug=conflict.error.slug,
            )
            book_loss(session, stored, lease, conflict, moment)
        case error:
            stored = _store(session, record, now, RecordOutcome.REFUSED, slug=error.slug)
    device.brought_seq = record.seq
    device.brought_hash = record.hash
    device.brought_fen = chain_fen
    return stored


def _store(
    session: Session,
    record: Record,
    now: datetime,
    outcome: RecordOutcome,
    *,
    voucher_id: UUID | None = None,
    order_id: UUID | None = None,
    slug: str | None = None,
) -> OfflineRecord:
    stored = OfflineRecord(
        id=new_id(),
        device_id=record.device_id,
        lease_id=record.lease_id,
        seq=record.seq,
        hash=record.hash,
        body=record.body,
        signature=record.signature,
        order_no=record.order_no,
        discount_fen=record.discount_fen,
        accepted_at=record.accepted_at,
        received_at=now,
        voucher_id=voucher_id,
        outcome=outcome,
        slug=slug,
        order_id=order_id,
    )
    session.add(stored)
    session.flush()
    return stored


def _known(
    session: Session, device_id: UUID, hashes: Collection[bytes]
) -> dict[bytes, OfflineRecord]:
    rows = session.scalars(
        select(OfflineRecord).where(
            OfflineRecord.device_id == device_id, OfflineRecord.hash.in_(hashes)
        )
    )
    return {row.hash: row for row in rows}


def _leases(
    session: Session, device_id: UUID, lease_ids: Collection[UUID]
) -> dict[UUID, OfflineLease]:
    rows = session.scalars(
        select(OfflineLease).where(
            OfflineLease.device_id == device_id, OfflineLease.id.in_(lease_ids)
        )
    )
    return {row.id: row for row in rows}
