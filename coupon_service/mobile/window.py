"""The shop window: what is on offer at this moment, read once a second and not once per visitor.

At ten o'clock everybody looks at the home page. What it shows is advice:
a claim decides for itself.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock
from time import monotonic
from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import BudgetNode, Release, Season
from coupon_service.campaigns.queries import board_of, current_seasons, offered_releases
from coupon_service.campaigns.terms import unusable_at
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.issuance.gate import gate
from merchants.queries import StoreFilter, StorePlace, store_places

FRESH_S = 1.0
STORES_FRESH_S = 60.0
_WINDOW = "mobile.window"
_STORES = "mobile.stores_near"
_LOOKING = Lock()


@dataclass(frozen=True)
class Window:
    """One look at what is on offer. Its entities are read by many requests and changed by none.

    Attributes:
        boards: of each budget node that has a release on offer, the board above it.
        left: seats nobody has, where the gate knows.
        looked_at: the database's time of the look; `looked` is the same moment on this machine's
            monotonic clock.
        feet, pages: feet of tickets and whole pages that are the same for most visitors, drawn once
            per look; a page may be packed already.
    """

    seasons: Sequence[Season]
    releases: Sequence[Release]
    boards: Mapping[UUID, BudgetNode]
    left: Mapping[UUID, int]
    looked_at: datetime
    looked: float
    feet: dict[tuple[object, ...], str] = field(default_factory=dict)
    pages: dict[tuple[object, ...], str | bytes] = field(default_factory=dict)

    @cached_property
    def board_codes(self) -> Collection[str]:
        return {board.code for board in self.boards.values()}

    @property
    def now(self) -> datetime:
        """The database's clock, carried on since the look."""
        return self.looked_at + timedelta(seconds=monotonic() - self.looked)


@dataclass(frozen=True)
class _StoresSeen:
    looked: float
    by_campaign: Mapping[UUID, Sequence[StorePlace]]


def shop_window() -> Window:
    """The last look, or a new one if that is older than `FRESH_S`."""
    seen: Window | None = current_app.extensions.get(_WINDOW)
    if seen is not None and monotonic() - seen.looked < FRESH_S:
        return seen
    # While one request looks, the others show what was there a moment ago.
    if not _LOOKING.acquire(blocking=seen is None):
        assert seen is not None
        return seen
    try:
        seen = current_app.extensions[_WINDOW] = _look()
    finally:
        _LOOKING.release()
    return seen


def look_again() -> None:
    """Forget the last look: something on offer has just been taken here."""
    current_app.extensions.pop(_WINDOW, None)


def stores_of(window: Window) -> Mapping[UUID, Sequence[StorePlace]]:
    """The stores where each campaign on offer can be used, by its id; a minute old at most."""
    wanted = {release.campaign.id: release.campaign for release in window.releases}
    kept: _StoresSeen | None = current_app.extensions.get(_STORES)
    if (
        kept is not None
        and monotonic() - kept.looked < STORES_FRESH_S
        and wanted.keys() <= kept.by_campaign.keys()
    ):
        return kept.by_campaign
    with transaction(resources().sessions) as session:
        by_district = {
            district_id: store_places(session, StoreFilter(district_id=district_id))
            for district_id in {campaign.season.district_id for campaign in wanted.values()}
        }
    found = {
        campaign.id: [
            store
            for store in by_district[campaign.season.district_id]
            if unusable_at(campaign, store.place) is None
        ]
        for campaign in wanted.values()
    }
    current_app.extensions[_STORES] = _StoresSeen(monotonic(), found)
    return found


def _look() -> Window:
    with transaction(resources().sessions) as session:
        now = db_now(session)
        looked = monotonic()
        seasons = current_seasons(session, now)
        releases = offered_releases(session, now)
        boards = _boards(session, releases)
    left = gate().left([release.id for release in releases])
    return Window(seasons, releases, boards, left, now, looked)


def _boards(session: Session, releases: Sequence[Release]) -> Mapping[UUID, BudgetNode]:
    boards: dict[UUID, BudgetNode] = {}
    for season_id in {release.campaign.season_id for release in releases}:
        boards |= board_of(session, season_id)
    return boards
