"""The terms that a release's vouchers have, by release.

Terms are fixed once a release is published, so a process reads them once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Release, ReleaseState, Season

_RELEASES_KEPT = 2_000
_kept: dict[UUID, "ReleaseTerms"] = {}


@dataclass(frozen=True)
class ReleaseTerms:
    """A release with a copy of its campaign, of no session, and its season's district."""

    release_id: UUID
    campaign: Campaign
    district_id: UUID


def terms_of(session: Session, release_ids: Collection[UUID]) -> dict[UUID, ReleaseTerms]:
    """The terms of each of these releases; one that does not exist is left out."""
    missing = [id_ for id_ in release_ids if id_ not in _kept]
    found = _read(session, missing) if missing else {}
    return {id_: terms for id_ in release_ids if (terms := found.get(id_) or _kept.get(id_))}


def _read(session: Session, release_ids: Collection[UUID]) -> dict[UUID, ReleaseTerms]:
    rows = session.execute(
        select(Release.id, Release.state, Season.district_id, *Campaign.__table__.columns)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .join(Season, Season.id == Campaign.season_id)
        .where(Release.id.in_(release_ids))
    )
    found = {}
    for id_, state, district_id, *columns in rows:
        campaign = Campaign(**dict(zip(Campaign.__table__.columns.keys(), columns, strict=True)))
        found[id_] = terms = ReleaseTerms(id_, campaign, district_id)
        if state != ReleaseState.DRAFT:
            if len(_kept) >= _RELEASES_KEPT:
                _kept.clear()
            _kept[id_] = terms
    return found
