"""What the home page offers one visitor: releases with what is left and what is already theirs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import BudgetNode, Channel, Release, ReleaseState
from coupon_service.campaigns.queries import board_of, offered_releases
from coupon_service.issuance.gate import gate
from coupon_service.vouchers.models import Voucher


@dataclass(frozen=True)
class Offer:
    """One release as one visitor sees it.

    Attributes:
        left: seats nobody has, as far as the gate knows.
        voucher_ids: the visitor's own vouchers of it, the first claimed first.
    """

    release: Release
    left: int | None
    voucher_ids: Sequence[UUID]
    now: datetime

    @property
    def upcoming(self) -> bool:
        return self.release.opens_at > self.now

    @property
    def sold_out(self) -> bool:
        return self.left == 0

    @property
    def over(self) -> bool:
        return self.release.closes_at <= self.now or self.release.state == ReleaseState.CLOSED

    @property
    def paused(self) -> bool:
        return self.release.state == ReleaseState.PAUSED

    @property
    def online(self) -> bool:
        return Channel.ONLINE in self.release.campaign.claim_channels

    @property
    def next_ordinal(self) -> int | None:
        """The visitor's next coupon of this release; None when they have all they may."""
        had = len(self.voucher_ids)
        return had + 1 if had < self.release.campaign.per_person else None

    @property
    def claimable(self) -> bool:
        """Whether a button makes sense; the claim itself decides."""
        return (
            self.online
            and not (self.over or self.paused or self.sold_out)
            and self.next_ordinal is not None
        )


@dataclass(frozen=True)
class Board:
    """A board of the season and what is offered from it."""

    node: BudgetNode
    offers: Sequence[Offer]


def offers_now(session: Session, resident_id: UUID | None, now: datetime) -> list[Offer]:
    """Everything open or upcoming, by opening time."""
    return _offers(session, offered_releases(session, now), resident_id, now)


def one_offer(session: Session, release: Release, resident_id: UUID | None, now: datetime) -> Offer:
    """One release, whatever its state."""
    (offer,) = _offers(session, [release], resident_id, now)
    return offer


def by_board(session: Session, offers: Iterable[Offer]) -> list[Board]:
    """Offers under their boards, in the boards' order; boards without any are left out."""
    boards_of_season: dict[UUID, dict[UUID, BudgetNode]] = {}
    nodes: dict[UUID, BudgetNode] = {}
    grouped: dict[UUID, list[Offer]] = {}
    for offer in offers:
        campaign = offer.release.campaign
        if campaign.season_id not in boards_of_season:
            boards_of_season[campaign.season_id] = board_of(session, campaign.season_id)
        node = boards_of_season[campaign.season_id][campaign.node_id]
        nodes[node.id] = node
        grouped.setdefault(node.id, []).append(offer)
    order = sorted(nodes.values(), key=lambda node: (node.season_id, node.position, node.code))
    return [Board(node, grouped[node.id]) for node in order]


def _offers(
    session: Session, releases: Sequence[Release], resident_id: UUID | None, now: datetime
) -> list[Offer]:
    ids = [release.id for release in releases]
    left = gate().left(ids)
    mine: dict[UUID, list[UUID]] = {}
    if resident_id is not None and ids:
        owned = select(Voucher.release_id, Voucher.id).where(
            Voucher.resident_id == resident_id, Voucher.release_id.in_(ids)
        )
        for release_id, voucher_id in session.execute(owned.order_by(Voucher.ordinal)):
            mine.setdefault(release_id, []).append(voucher_id)
    return [
        Offer(release, left.get(release.id), mine.get(release.id, ()), now) for release in releases
    ]
