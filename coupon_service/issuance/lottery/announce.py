"""Announce: fix, before anybody enters, how a lottery will be drawn."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.errors import ReleaseNotFoundError
from coupon_service.campaigns.models import Channel, Mode, Release, ReleaseQuota, ReleaseState
from coupon_service.issuance.lottery.errors import AnnouncementFault, AnnouncementRefusedError
from coupon_service.issuance.lottery.models import DrawState, LotteryDraw
from coupon_service.issuance.lottery.seeds import SeedSource
from coupon_service.issuance.lottery.verify_draw import ALGORITHM

# Closing a million entries takes less than a minute; the root has to be out before the seed is.
SEED_AFTER_CLOSE_MIN = timedelta(minutes=5)
# What is left of the release's window for giving the winners their vouchers.
GRANT_TIME_MIN = timedelta(hours=1)


def announce(
    session: Session,
    release_id: UUID,
    *,
    entries_close_at: datetime,
    source: SeedSource,
    now: datetime,
) -> LotteryDraw:
    """Announce the draw of a release, or anew the draw that could not be closed in time.

    Entries can be made from the release's opening until `entries_close_at`.

    Raises:
        ReleaseNotFoundError: there is no such release.
        AnnouncementRefusedError: a rule is broken; `fault` says which.
    """
    release = session.execute(
        select(Release)
        .where(Release.id == release_id)
        .options(joinedload(Release.campaign))
        .with_for_update(of=Release, key_share=True)
    ).scalar_one_or_none()
    if release is None:
        raise ReleaseNotFoundError
    # To the second, so that the announcement says the same as the columns.
    entries_close_at = entries_close_at.replace(microsecond=0)
    available_at = source.available_at.replace(microsecond=0)
    fault = _fault(session, release, entries_close_at, available_at, now)
    if fault is not None:
        raise AnnouncementRefusedError(fault=fault)
    terms = {
        "announcement": announcement_text(release, entries_close_at, available_at, source),
        "quantity": release.quantity,
        "entries_close_at": entries_close_at,
        "seed_available_at": available_at,
        "state": DrawState.COLLECTING,
        "announced_at": now,
    }
    announced = session.scalars(
        insert(LotteryDraw)
        .values(release_id=release_id, **terms)
        .on_conflict_do_update(
            index_elements=[LotteryDraw.release_id],
            set_=terms,
            where=LotteryDraw.state == DrawState.LATE,
        )
        .returning(LotteryDraw)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if announced is None:
        raise AnnouncementRefusedError(fault=AnnouncementFault.ANNOUNCED)
    return announced


def announcement_text(
    release: Release, entries_close_at: datetime, available_at: datetime, source: SeedSource
) -> str:
    """The announcement's one form: JSON, keys in order, no blanks, ASCII."""
    return json.dumps(
        {
            "algorithm": ALGORITHM,
            "release_id": str(release.id),
            "quantity": release.quantity,
            "entries_open_at": _second(release.opens_at),
            "entries_close_at": _second(entries_close_at),
            "seed_available_at": _second(available_at),
            "seed_source": source.as_announced(),
        },
        sort_keys=True,
        separators=(",", ":"),
    )


def _fault(
    session: Session,
    release: Release,
    entries_close_at: datetime,
    available_at: datetime,
    now: datetime,
) -> AnnouncementFault | None:
    if release.mode != Mode.LOTTERY:
        return AnnouncementFault.NOT_A_LOTTERY
    if release.state == ReleaseState.CLOSED:
        return AnnouncementFault.RELEASE_OVER
    if Channel.ONLINE not in release.campaign.claim_channels:
        return AnnouncementFault.NOT_ONLINE
    if session.scalars(select(ReleaseQuota.id).filter_by(release_id=release.id).limit(1)).all():
        return AnnouncementFault.HAS_QUOTAS
    if entries_close_at <= max(now, release.opens_at):
        return AnnouncementFault.WINDOW_EMPTY
    if available_at < entries_close_at + SEED_AFTER_CLOSE_MIN:
        return AnnouncementFault.SEED_TOO_SOON
    if available_at + GRANT_TIME_MIN > release.closes_at:
        return AnnouncementFault.GRANT_TOO_LATE
    return None


def _second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
