"""The releases of a season with how far each has got."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.errors import ReleaseNotFoundError
from coupon_service.campaigns.models import Campaign, Release, ReleaseState, Season
from coupon_service.vouchers.models import Voucher


def releases_of(session: Session, season_id: UUID) -> list[tuple[Release, int]]:
    """Releases of a season but drafts, closed ones last, each with how many seats are taken."""
    taken = (
        select(Voucher.release_id, func.count().label("taken"))
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Campaign.season_id == season_id)
        .group_by(Voucher.release_id)
        .subquery()
    )
    rows = session.execute(
        select(Release, func.coalesce(taken.c.taken, 0))
        .join(Campaign, Campaign.id == Release.campaign_id)
        .outerjoin(taken, taken.c.release_id == Release.id)
        .where(Campaign.season_id == season_id, Release.state != ReleaseState.DRAFT)
        .options(joinedload(Release.campaign).joinedload(Campaign.node))
        .order_by(Release.state == ReleaseState.CLOSED, Release.opens_at, Release.number)
    )
    return [(release, count) for release, count in rows]


def release_of(session: Session, district_id: UUID, release_id: UUID) -> UUID:
    """The id, if the release is this district's.

    Raises:
        ReleaseNotFoundError: there is none, or it is another district's.
    """
    found = session.execute(
        select(Release.id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .join(Season, Season.id == Campaign.season_id)
        .where(Release.id == release_id, Season.district_id == district_id)
    ).scalar_one_or_none()
    if found is None:
        raise ReleaseNotFoundError
    return found
