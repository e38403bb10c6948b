"""The releases of a season with how far each has got."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.errors import CampaignNotFoundError, ReleaseNotFoundError
from coupon_service.campaigns.models import Campaign, Release, ReleaseQuota, ReleaseState, Season
from coupon_service.issuance.waiting.queries import waiting_count
from coupon_service.vouchers.models import Voucher, VoucherState


@dataclass(frozen=True)
class ReleaseFacts:
    """One release with what became of its coupons. `waiting` people are on its waiting list."""

    release: Release
    quotas: Sequence[ReleaseQuota]
    unused: int
    redeemed: int
    void: int
    expired: int
    waiting: int

    @property
    def claimed(self) -> int:
        return self.unused + self.redeemed + self.void + self.expired

    @property
    def left(self) -> int:
        return self.release.quantity - self.claimed


def releases_of(
    session: Session, season_id: UUID, *, drafts: bool = False
) -> list[tuple[Release, int]]:
    """Releases of a season, closed ones last, each with how many seats are taken."""
    taken = (
        select(Voucher.release_id, func.count().label("taken"))
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Campaign.season_id == season_id)
        .group_by(Voucher.release_id)
        .subquery()
    )
    query = (
        select(Release, func.coalesce(taken.c.taken, 0))
        .join(Campaign, Campaign.id == Release.campaign_id)
        .outerjoin(taken, taken.c.release_id == Release.id)
        .where(Campaign.season_id == season_id)
        .options(joinedload(Release.campaign).joinedload(Campaign.node))
        .order_by(Release.state == ReleaseState.CLOSED, Release.opens_at, Release.number)
    )
    if not drafts:
        query = query.where(Release.state != ReleaseState.DRAFT)
    return [(release, count) for release, count in session.execute(query)]


def release_of(session: Session, district_id: UUID, release_id: UUID) -> UUID:
    """The id, if the release is this district's.

    Raises:
        ReleaseNotFoundError: there is none, or it is another district's.
    """
    query: Select[UUID] = select(Release.id).join(Campaign, Campaign.id == Release.campaign_id)
    found = session.execute(
        query.join(Season, Season.id == Campaign.season_id).where(
            Release.id == release_id, Season.district_id == district_id
        )
    ).scalar_one_or_none()
    if found is None:
        raise ReleaseNotFoundError
    return found


def facts_of(session: Session, district_id: UUID, release_id: UUID) -> ReleaseFacts:
    """One release of this district, in full; campaign, node and season are loaded.

    Raises:
        ReleaseNotFoundError: there is none, or it is another district's.
    """
    release_of(session, district_id, release_id)
    release = session.scalars(
        select(Release)
        .where(Release.id == release_id)
        .options(
            joinedload(Release.campaign).options(
                joinedload(Campaign.node), joinedload(Campaign.season)
            )
        )
        .execution_options(populate_existing=True)
    ).one()
    rows = session.execute(
        select(Voucher.state, func.count())
        .where(Voucher.release_id == release_id)
        .group_by(Voucher.state)
    )
    counts = {row[0]: row[1] for row in rows}
    quotas = session.scalars(
        select(ReleaseQuota)
        .where(ReleaseQuota.release_id == release_id)
        .order_by(ReleaseQuota.first_seat)
    ).all()
    return ReleaseFacts(
        release,
        quotas,
        unused=counts.get(VoucherState.ISSUED, 0),
        redeemed=counts.get(VoucherState.REDEEMED, 0),
        void=counts.get(VoucherState.VOID, 0),
        expired=counts.get(VoucherState.EXPIRED, 0),
        waiting=waiting_count(session, release_id),
    )


def campaigns_of(session: Session, season_id: UUID) -> Sequence[Campaign]:
    """The campaigns of a season with their nodes, by name."""
    return session.scalars(
        select(Campaign)
        .where(Campaign.season_id == season_id)
        .options(joinedload(Campaign.node))
        .order_by(Campaign.name, Campaign.code)
    ).all()


def campaign_of(session: Session, district_id: UUID, campaign_id: UUID) -> Campaign:
    """A campaign of this district, with node and season.

    Raises:
        CampaignNotFoundError: there is none, or it is another district's.
    """
    found = session.scalars(
        select(Campaign)
        .join(Season, Season.id == Campaign.season_id)
        .where(Campaign.id == campaign_id, Season.district_id == district_id)
        .options(joinedload(Campaign.node), joinedload(Campaign.season))
    ).one_or_none()
    if found is None:
        raise CampaignNotFoundError
    return found
