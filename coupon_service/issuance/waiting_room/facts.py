"""What a waiting room needs to know of its release, read once in a while per process."""

from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from sqlalchemy import select

from coupon_service.campaigns.models import Campaign, Release, ReleaseState
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources

FRESH_S = 5.0
_RELEASES_KEPT = 2_000
_kept: dict[UUID, tuple[float, "RoomFacts | None"]] = {}


@dataclass(frozen=True)
class RoomFacts:
    """A published release. Times as Unix milliseconds."""

    release_id: UUID
    has_room: bool
    state: ReleaseState
    opens_ms: int
    closes_ms: int
    per_person: int


def room_facts(release_id: UUID) -> RoomFacts | None:
    """The facts of a published release, some seconds old at most; None if there is none."""
    kept = _kept.get(release_id)
    if kept is not None and monotonic() - kept[0] < FRESH_S:
        return kept[1]
    facts = _read(release_id)
    if len(_kept) >= _RELEASES_KEPT:
        _kept.clear()
    _kept[release_id] = (monotonic(), facts)
    return facts


def _read(release_id: UUID) -> RoomFacts | None:
    with transaction(resources().sessions) as session:
        row = session.execute(
            select(
                Release.waiting_room,
                Release.state,
                Release.opens_at,
                Release.closes_at,
                Campaign.per_person,
            )
            .join(Campaign, Campaign.id == Release.campaign_id)
            .where(Release.id == release_id, Release.state != ReleaseState.DRAFT)
        ).one_or_none()
    if row is None:
        return None
    return RoomFacts(
        release_id=release_id,
        has_room=row.waiting_room,
        state=ReleaseState(row.state),
        opens_ms=int(row.opens_at.timestamp() * 1000),
        closes_ms=int(row.closes_at.timestamp() * 1000),
        per_person=row.per_person,
    )
