"""Lease: what a device may accept by itself until its network is back, signed by the issuer.

The text of a lease is JSON and signed as it stands, so that a till that reads it back from its
storage knows it for the service's. The issuer signs `"coupon-offline-lease" ‖ 0x01 ‖ text`: ECDSA
P-256 with SHA-256, raw r‖s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.hours import Hours
from coupon_service.campaigns.models import Campaign, Channel, Release, ReleaseState, ThresholdBasis
from coupon_service.campaigns.terms import unusable_at
from coupon_service.core.clock import db_now, local_date
from coupon_service.core.ids import new_id
from coupon_service.core.settings import Settings
from coupon_service.vouchers.keys import Keyring
from coupon_service.vouchers.proof import GOOD_FOR_S
from merchants.queries import place_of, till_with_store
from redemption.offline.alarm import raise_alarm
from redemption.offline.errors import (
    OfflineNoRoomError,
    OfflineNotBroughtInError,
    OfflineSuspendedError,
)
from redemption.offline.exposure import exposure_of_season, exposure_of_till, lock_pool
from redemption.offline.models import AlarmKind, LossPolicy, OfflineDevice, OfflineLease
from redemption.offline.queries import allowed_merchant, locked_device

_DOMAIN = b"coupon-offline-lease\x01"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Head:
    """The last record of a device's chain, as the device knows it; 0 and zeros without one."""

    seq: int
    hash: bytes


@dataclass(frozen=True)
class Leased:
    """A lease as it is signed."""

    text: str
    kid: int
    signature: bytes
    now: datetime


def lease(
    session: Session,
    till_id: UUID,
    device_id: UUID,
    head: Head,
    *,
    keyring: Keyring,
    settings: Settings,
) -> Leased | OfflineSuspendedError:
    """Let the device trade offline from now on. A refusal that is returned has to be kept.

    The limits are counted from what the device has brought in, and lessened by what other devices
    of its till may still bring in. Where the district bears losses, all that may come in is covered
    by the season's pool.

    Raises:
        OfflineNotAllowedError: the till's merchant has not been allowed.
        OfflineSuspendedError: an alarm of the till is open.
        OfflineDeviceNotFoundError: the till has no such device, or it is closed.
        OfflineNotBroughtInError: the device has records that are not here yet.
        OfflineNoRoomError: nothing is left for this till.
    """
    allowed = allowed_merchant(session, till_id)
    device = locked_device(session, till_id, device_id)
    pool_fen = lock_pool(session, allowed.season_id)
    now = db_now(session)
    if head.seq > device.brought_seq:
        raise OfflineNotBroughtInError
    if head.seq < device.brought_seq or head.hash != device.brought_hash:
        raise_alarm(session, device, AlarmKind.ROLLBACK, head.seq, now=now)
        return OfflineSuspendedError()
    others, others_fen = exposure_of_till(session, device, now=now)
    room = settings.offline_vouchers_max - others
    room_fen = settings.offline_fen_max - others_fen
    if allowed.policy == LossPolicy.DISTRICT:
        bound_fen = exposure_of_season(session, allowed.season_id, now=now, besides=device.id)
        room_fen = min(room_fen, pool_fen - bound_fen)
    if room <= 0 or room_fen <= 0:
        raise OfflineNoRoomError
    granted = OfflineLease(
        id=new_id(),
        device_id=device.id,
        season_id=allowed.season_id,
        policy=allowed.policy,
        issued_at=now,
        expires_at=now + timedelta(hours=settings.offline_lease_h),
        seq_max=device.brought_seq + room,
        fen_max=device.brought_fen + room_fen,
        face_max_fen=settings.offline_face_max_fen,
    )
    session.add(granted)
    terms = _terms(session, till_id, granted)
    text = orjson.dumps(_text(granted, device, terms, keyring, settings)).decode()
    return Leased(text, keyring.signer.kid, keyring.signer.sign(_DOMAIN + text.encode()), now)


def _text(
    granted: OfflineLease,
    device: OfflineDevice,
    terms: Sequence[dict[str, Any]],
    keyring: Keyring,
    settings: Settings,
) -> dict[str, Any]:
    """Times in Unix milliseconds, amounts in fen."""
    return {
        "id": granted.id,
        "device_id": device.id,
        "issued_at": _ms(granted.issued_at),
        "expires_at": _ms(granted.expires_at),
        "seq_max": granted.seq_max,
        "fen_max": granted.fen_max,
        "proof_good_for_s": GOOD_FOR_S + settings.proof_skew_s,
        "keys": {str(kid): key.hex() for kid, key in keyring.public_keys.items()},
        "terms": terms,
    }


def _terms(session: Session, till_id: UUID, granted: OfflineLease) -> list[dict[str, Any]]:
    """The terms of campaigns whose vouchers are low enough and work at the till's store."""
    store = till_with_store(session, till_id).store
    place = replace(place_of(store), channel=Channel.ONSITE)
    campaigns = session.scalars(
        select(Campaign).where(
            Campaign.season_id == granted.season_id,
            Campaign.face_fen <= granted.face_max_fen,
            Campaign.valid_until > granted.issued_at,
        )
    )
    # Places in a slot are counted by the service, so those vouchers need the network.
    usable = {one.id: one for one in campaigns if not one.slots and not unusable_at(one, place)}
    numbers: dict[UUID, list[int]] = {id_: [] for id_ in usable}
    for campaign_id, number in session.execute(
        select(Release.campaign_id, Release.number)
        .where(Release.campaign_id.in_(usable), Release.state != ReleaseState.DRAFT)
        .order_by(Release.number)
    ):
        numbers[campaign_id].append(number)
    return [
        {
            "releases": numbers[one.id],
            "face_fen": one.face_fen,
            "rate_bp": one.rate_bp,
            "threshold_fen": one.threshold_fen,
            "is_before_discount": one.threshold_basis == ThresholdBasis.BEFORE,
            "min_pay_fen": one.min_pay_fen,
            "open": _open(one, granted),
        }
        for one in usable.values()
        if numbers[one.id]
    ]


def _open(campaign: Campaign, granted: OfflineLease) -> list[list[int]] | None:
    """When the vouchers work while the lease lasts, as pairs of moments; none: always."""
    hours = Hours.of(campaign.scope)
    if hours is None:
        return None
    first = local_date(granted.issued_at) - _DAY
    days = [first + n * _DAY for n in range((granted.expires_at - granted.issued_at).days + 3)]
    return [
        [_ms(starts_at), _ms(ends_at)]
        for day in days
        if hours.on_weekday_of(day)
        for starts_at, ends_at in (window.on(day) for window in hours.windows)
        if starts_at < granted.expires_at and ends_at > granted.issued_at
    ]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
