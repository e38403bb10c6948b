"""Lotteries in the office: officials' acts, and what the service did, each with its audit entry."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.audit import record, record_service
from admin.release_queries import release_of
from coupon_service.campaigns.models import Campaign, Release, Season
from coupon_service.core.auth import Principal
from coupon_service.core.jobs import Job
from coupon_service.issuance.lottery import close, draw, publish
from coupon_service.issuance.lottery.announce import announce
from coupon_service.issuance.lottery.jobs import try_now
from coupon_service.issuance.lottery.models import LotteryDraw
from coupon_service.issuance.lottery.schemas import announcement_sha256
from coupon_service.issuance.lottery.seeds import SeedSource
from coupon_service.issuance.lottery.type_seed import discard_typed, type_seed


def announce_draw(
    session: Session,
    official: Principal,
    release_id: UUID,
    *,
    entries_close_at: datetime,
    source: SeedSource,
    now: datetime,
) -> None:
    """Announce how a release of the official's district will be drawn.

    Raises:
        ReleaseNotFoundError: the official's district has no such release.
        AnnouncementRefusedError: a rule is broken.
    """
    _own(session, official, release_id)
    found = announce(session, release_id, entries_close_at=entries_close_at, source=source, now=now)
    details = {"announcement_sha256": announcement_sha256(found), **source.as_announced()}
    record(session, official, "draw.announce", release_id, details)


def type_draw_seed(
    session: Session, official: Principal, release_id: UUID, typed: str, *, now: datetime
) -> bool:
    """Record the drawn numbers, or confirm them; returns whether they are confirmed now.

    Raises:
        ReleaseNotFoundError: the official's district has no such release.
        ProblemError: as of `type_seed`.
    """
    _own(session, official, release_id)
    is_confirmed = type_seed(session, release_id, typed, official_id=official.id, now=now)
    # The numbers stay out of the log: the second official must not read them there.
    record(session, official, "draw.confirm" if is_confirmed else "draw.type", release_id)
    if is_confirmed:
        try_now(session, release_id)
    return is_confirmed


def discard_draw_seed(session: Session, official: Principal, release_id: UUID) -> None:
    """Forget what the first official typed.

    Raises:
        ReleaseNotFoundError: the official's district has no such release.
        DrawStateError: nothing waits for confirmation.
    """
    _own(session, official, release_id)
    discard_typed(session, release_id)
    record(session, official, "draw.discard", release_id)


def retry_draw(session: Session, official: Principal, release_id: UUID) -> None:
    """Have a step that failed tried again at once.

    Raises:
        ReleaseNotFoundError: the official's district has no such release.
    """
    _own(session, official, release_id)
    try_now(session, release_id)
    record(session, official, "draw.retry", release_id)


def _own(session: Session, official: Principal, release_id: UUID) -> None:
    assert official.district_id is not None  # officials belong to a district
    release_of(session, official.district_id, release_id)


def _recorder(
    action: str, details_of: Callable[[LotteryDraw], dict[str, Any]]
) -> Callable[..., None]:
    """A job's handler that writes down what the service did with a draw."""

    def write_down(session: Session, release_id: UUID) -> None:
        found = session.get_one(LotteryDraw, release_id)
        district_id = session.scalars(
            select(Season.district_id)
            .join(Campaign, Campaign.season_id == Season.id)
            .join(Release, Release.campaign_id == Campaign.id)
            .where(Release.id == release_id)
        ).one()
        record_service(session, district_id, action, release_id, details_of(found))

    return write_down


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


JOBS = tuple(
    Job(f"admin.record_{topic.replace('.', '_')}", "lottery", _recorder(action, details), on=topic)
    for topic, action, details in (
        (
            close.CLOSED,
            "draw.close",
            lambda one: {"root": _hex(one.merkle_root), "entries": one.entries_count},
        ),
        (close.LATE, "draw.late", lambda _: {}),
        (draw.DRAWN, "draw.draw", lambda one: {"seed": _hex(one.seed), "evidence": one.evidence}),
        (
            publish.PUBLISHED,
            "draw.publish",
            lambda one: {"sha256": _hex(one.result_sha256), "winners": one.winners_count},
        ),
    )
)
