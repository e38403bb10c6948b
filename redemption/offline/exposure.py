"""Exposure: what devices may still bring in, in fen and in vouchers."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from coupon_service.core.resources import resources
from coupon_service.ledger.accounts import AccountRef
from coupon_service.ledger.models import Account, AccountKind
from coupon_service.ledger.queries import balance_fen
from redemption.offline.models import LossPolicy, OfflineDevice, OfflineLease


def pool(season_id: UUID) -> AccountRef:
    """The money that is set aside for the losses the district bears."""
    return AccountRef(season_id, AccountKind.OFFLINE_LOSS, season_id)


def lock_pool(session: Session, season_id: UUID) -> int:
    """Keep others from granting leases and moving the season's pool; what is in it, in fen."""
    ref = pool(season_id)
    session.execute(select(Account.id).where(Account.id == ref.id).with_for_update(key_share=True))
    return balance_fen(session, ref)


def grace() -> timedelta:
    """How long after the end of its lease a record may still come in."""
    return timedelta(hours=resources().settings.offline_grace_h)


def exposure_of_till(session: Session, device: OfflineDevice, *, now: datetime) -> tuple[int, int]:
    """What the till's other devices may still bring in: vouchers, and fen."""
    bound = _bound(now).where(
        OfflineDevice.till_id == device.till_id, OfflineDevice.id != device.id
    )
    rows = session.execute(bound).all()
    return sum(map(_seqs, rows)), sum(map(_fen, rows))


def exposure_of_season(
    session: Session, season_id: UUID, *, now: datetime, besides: UUID | None = None
) -> int:
    """What may still come in and become the district's loss, in fen; but for one device's."""
    bound = _bound(now).where(
        OfflineLease.season_id == season_id, OfflineLease.policy == LossPolicy.DISTRICT
    )
    if besides is not None:
        bound = bound.where(OfflineDevice.id != besides)
    return sum(map(_fen, session.execute(bound)))


def _bound(now: datetime) -> Select[int, int, int, int]:
    """Of each open device: how far its leases reach, and how far it is."""
    return (
        select(
            OfflineDevice.brought_seq,
            OfflineDevice.brought_fen,
            func.max(OfflineLease.seq_max).label("seq_max"),
            func.max(OfflineLease.fen_max).label("fen_max"),
        )
        .join(OfflineLease, OfflineLease.device_id == OfflineDevice.id)
        .where(OfflineDevice.closed_at.is_(None), OfflineLease.expires_at > now - grace())
        .group_by(OfflineDevice.id)
    )


def _seqs(row: Row[int, int, int, int]) -> int:
    brought_seq, _, seq_max, _ = row
    return max(0, seq_max - brought_seq)


def _fen(row: Row[int, int, int, int]) -> int:
    _, brought_fen, _, fen_max = row
    return max(0, fen_max - brought_fen)
