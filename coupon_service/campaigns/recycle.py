"""Recycle: what came back to a campaign's budget node is released again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import CampaignNotFoundError, QuantityOutOfBoundsError
from coupon_service.campaigns.fund import budget
from coupon_service.campaigns.models import SEATS_MAX, Campaign, Mode, Release
from coupon_service.campaigns.release import publish
from coupon_service.core.ids import new_id
from coupon_service.ledger.queries import balance_fen

# The table belongs to a package above; a few counts of its rows are all that is needed of it here.
_BREAKAGE = text(
    """
    SELECT count(*) FILTER (WHERE voucher.state = 'expired') AS expired,
           count(*) FILTER (WHERE voucher.state = 'void') AS void,
           count(*) AS claimed
    FROM releases release JOIN vouchers voucher ON voucher.release_id = release.id
    WHERE release.campaign_id = :id
    """
)
_UNCLAIMED = text(
    """
    SELECT coalesce(sum(release.quantity - (SELECT count(*) FROM vouchers
                                            WHERE release_id = release.id)), 0)
    FROM releases release WHERE release.campaign_id = :id AND release.state = 'closed'
    """
)


@dataclass(frozen=True)
class Breakage:
    """What a campaign's coupons left unspent, in coupons, and what its node could pay for now.

    Attributes:
        expired, void: claimed, and never used.
        unclaimed: seats of closed releases that nobody took; those that flowed on included.
        free_fen: what the budget node holds and has not reserved, wherever it came from.
        affordable: coupons of the campaign that this would pay for.
    """

    expired: int
    void: int
    unclaimed: int
    free_fen: int
    affordable: int

    @property
    def suggested(self) -> int:
        """What came back, as far as the money is still there."""
        return min(self.expired + self.void + self.unclaimed, self.affordable)


def breakage_of(session: Session, campaign: Campaign) -> Breakage:
    """What of a campaign can be released again."""
    counts = session.execute(_BREAKAGE, {"id": campaign.id}).one()
    unclaimed = session.execute(_UNCLAIMED, {"id": campaign.id}).scalar_one()
    free_fen = balance_fen(session, budget(campaign.season_id, campaign.node_id))
    return Breakage(
        expired=counts.expired,
        void=counts.void,
        unclaimed=int(unclaimed),
        free_fen=free_fen,
        affordable=min(free_fen // campaign.face_fen, SEATS_MAX),
    )


def recycle(
    session: Session,
    campaign_id: UUID,
    *,
    quantity: int | None,
    opens_at: datetime,
    closes_at: datetime,
    name: str,
    now: datetime,
    release_id: UUID | None = None,
    mode: Mode = Mode.FIRST_COME,
) -> Release:
    """Publish a new release out of the node's free money; `quantity` None: all it would pay for.

    With the id of a release that exists it returns that one: asking twice publishes once.

    Raises:
        CampaignNotFoundError: there is no such campaign.
        QuantityOutOfBoundsError: the node could not pay for a single coupon.
        InsufficientFundsError: nor for that many.
    """
    campaign = session.execute(
        select(Campaign).where(Campaign.id == campaign_id)
    ).scalar_one_or_none()
    if campaign is None:
        raise CampaignNotFoundError
    affordable = breakage_of(session, campaign).affordable
    wanted = affordable if quantity is None else quantity
    if wanted < 1:
        raise QuantityOutOfBoundsError(lowest=1, highest=affordable)
    id_ = release_id or new_id()
    made = session.execute(
        insert(Release)
        .values(
            id=id_,
            campaign_id=campaign_id,
            name=name,
            mode=mode,
            quantity=wanted,
            opens_at=opens_at,
            closes_at=closes_at,
        )
        .on_conflict_do_nothing(index_elements=[Release.id])
        .returning(Release.id)
    ).scalar_one_or_none()
    if made is None:
        return session.get_one(Release, id_)
    return publish(session, id_, now=now)
