"""Storing vouchers: the one INSERT that decides, and why it did not store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import (
    NotOpenYetError,
    ReleaseClosedError,
    ReleaseNotFoundError,
    ReleasePausedError,
)
from coupon_service.campaigns.models import Campaign, Channel, Mode, Release, ReleaseState
from coupon_service.core.clock import db_now
from coupon_service.core.errors import ProblemError
from coupon_service.issuance.arrays import array, byteas, uuids
from coupon_service.issuance.errors import (
    ChannelClosedError,
    LimitReachedError,
    ModeMismatchError,
    SoldOutError,
)
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.token import VoucherFacts

# Release, resident, ordinal: what a claim is known by, and repeated with.
Key = tuple[UUID, UUID, int]


@dataclass(frozen=True)
class Candidate:
    """A voucher that would be stored: a seat for a resident."""

    voucher_id: UUID
    release_id: UUID
    resident_id: UUID
    ordinal: int
    seat: int
    channel: Channel
    device_hash: bytes | None
    mode: Mode
    claimed_by_id: UUID | None
    assisted_by_id: UUID | None

    @property
    def key(self) -> Key:
        return (self.release_id, self.resident_id, self.ordinal)


@dataclass(frozen=True)
class Stored:
    """A voucher that is stored, with what its token says."""

    facts: VoucherFacts
    seat: int

    @property
    def voucher_id(self) -> UUID:
        return self.facts.voucher_id


# Decides everything at once: the release is open by the database's clock, the seat within the
# quantity, the ordinal within the limit, the channel and the mode right; and, by the unique
# constraints, that neither the seat nor the resident's ordinal is taken. FOR KEY SHARE makes
# closing wait for this claim, and this claim see the closing. A validity of N local days ends when
# the last one does.
_STORE = """
    WITH wanted AS (
        SELECT * FROM unnest(
            %s::uuid[], %s::uuid[], %s::uuid[], %s::int[], %s::int[], %s::text[], %s::bytea[],
            %s::text[], %s::uuid[], %s::uuid[]
        ) AS w(id, release_id, resident_id, ordinal, seat, channel, device_hash,
               mode, claimed_by_id, assisted_by_id)
    ), stored AS (
        INSERT INTO vouchers (id, release_id, seat, resident_id, ordinal, claim_channel,
                              device_hash, claimed_by_id, assisted_by_id,
                              claimed_at, valid_from, expires_at)
        SELECT w.id, w.release_id, w.seat, w.resident_id, w.ordinal, w.channel, w.device_hash,
               w.claimed_by_id, w.assisted_by_id,
               clock_timestamp(), greatest(campaign.valid_from, clock_timestamp()),
               CASE WHEN campaign.valid_days IS NULL THEN campaign.valid_until
                    ELSE least(campaign.valid_until,
                               (((clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date
                                 + campaign.valid_days::int)::timestamp)
                               AT TIME ZONE 'Asia/Shanghai')
               END
        FROM wanted w
        JOIN releases release ON release.id = w.release_id
        JOIN campaigns campaign ON campaign.id = release.campaign_id
        WHERE release.state = 'open' AND release.mode = w.mode
          AND release.opens_at <= clock_timestamp() AND release.closes_at > clock_timestamp()
          AND w.seat <= release.quantity AND w.ordinal <= campaign.per_person
          AND w.channel = ANY (campaign.claim_channels)
        FOR KEY SHARE OF release
        ON CONFLICT DO NOTHING
        RETURNING id, release_id, seat, valid_from, expires_at
    )
    SELECT stored.id, release.number, campaign.face_fen, campaign.threshold_fen,
           stored.valid_from, stored.expires_at, stored.seat
    FROM stored
    JOIN releases release ON release.id = stored.release_id
    JOIN campaigns campaign ON campaign.id = release.campaign_id
    """


def store_vouchers(session: Session, candidates: Sequence[Candidate]) -> Mapping[UUID, Stored]:
    """Insert all candidates that may be; returns the stored ones by voucher id."""
    columns = (
        uuids(c.voucher_id for c in candidates),
        uuids(c.release_id for c in candidates),
        uuids(c.resident_id for c in candidates),
        array(c.ordinal for c in candidates),
        array(c.seat for c in candidates),
        array(c.channel for c in candidates),
        byteas(c.device_hash for c in candidates),
        array(c.mode for c in candidates),
        uuids(c.claimed_by_id for c in candidates),
        uuids(c.assisted_by_id for c in candidates),
    )
    rows = session.connection().exec_driver_sql(_STORE, columns)
    return {row[0]: Stored(VoucherFacts(*row[:6]), row[6]) for row in rows}


def stored_vouchers(session: Session, keys: Sequence[Key]) -> Mapping[Key, Stored]:
    """The vouchers that these residents have in these releases already."""
    rows = session.execute(
        select(
            Voucher.release_id,
            Voucher.resident_id,
            Voucher.ordinal,
            Voucher.id,
            Voucher.seat,
            Voucher.valid_from,
            Voucher.expires_at,
            Release.number,
            Campaign.face_fen,
            Campaign.threshold_fen,
        )
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(tuple_(Voucher.release_id, Voucher.resident_id, Voucher.ordinal).in_(keys))
    )
    return {(row.release_id, row.resident_id, row.ordinal): _stored(row) for row in rows}


def why_not(session: Session, candidate: Candidate) -> ProblemError | None:
    """Why the database did not store the candidate; None if only its seat is taken."""
    release = session.execute(
        select(Release)
        .where(Release.id == candidate.release_id)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if release is None or release.state == ReleaseState.DRAFT:
        return ReleaseNotFoundError()
    campaign = session.get_one(Campaign, release.campaign_id)
    if candidate.mode != release.mode:
        return ModeMismatchError(mode=release.mode)
    if candidate.channel not in campaign.claim_channels:
        return ChannelClosedError()
    if candidate.ordinal > campaign.per_person:
        return LimitReachedError()
    return _not_now(release, db_now(session)) or (
        SoldOutError() if candidate.seat > release.quantity else None
    )


def _not_now(release: Release, now: datetime) -> ProblemError | None:
    if release.state == ReleaseState.PAUSED:
        return ReleasePausedError()
    if release.state == ReleaseState.CLOSED or release.closes_at <= now:
        return ReleaseClosedError()
    if release.opens_at > now:
        return NotOpenYetError(opens_at=release.opens_at)
    return None


def _stored(row: Row[*tuple[Any, ...]]) -> Stored:
    return Stored(
        VoucherFacts(
            voucher_id=row.id,
            release_number=row.number,
            face_fen=row.face_fen,
            threshold_fen=row.threshold_fen,
            not_before=row.valid_from,
            expires_at=row.expires_at,
        ),
        row.seat,
    )
