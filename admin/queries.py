"""The numbers of a season, straight from the ledger and the records: one statement per kind.

Nothing is kept beside the records, so nothing can disagree with them. Each statement groups all
rows of the season once; none runs per node, day or release.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, cast, func, select, text
from sqlalchemy.orm import Session, aliased

from coupon_service.campaigns.models import BudgetNode, Campaign, Release, ReleaseState, Season
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.ledger.models import Account, AccountKind, Payable, Standing, Transfer
from coupon_service.vouchers.models import Voucher, VoucherState
from fraud.queries import confirmed_redemptions
from merchants.settlement.errors import SeasonNotFoundError
from redemption.models import Redemption, RedemptionState


@dataclass(frozen=True)
class ReleaseFacts:
    """A release that was published, with what its numbers are weighed by."""

    release_id: UUID
    node_id: UUID
    face_fen: int
    quantity: int


@dataclass(frozen=True)
class ClaimCell:
    """Vouchers of one release claimed on one local day through one channel. Void ones are out."""

    release_id: UUID
    day: date
    channel: str
    count: int


@dataclass(frozen=True)
class RedemptionCell:
    """Redemptions that were not reversed, of one node, local day and pair of channels. In fen.

    `order_fen` is what was turned over: after the merchant's own discount, the coupon included.
    What came back by refunds is in neither amount.
    """

    node_id: UUID
    day: date
    claim_channel: str
    channel: str
    is_fraud: bool
    count: int
    discount_fen: int
    order_fen: int


def freeze(session: Session) -> None:
    """Let everything this transaction reads be of one moment. Must be its first statement."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def seasons_of(session: Session, district_id: UUID) -> Sequence[Season]:
    """The seasons of a district, the latest first."""
    return session.scalars(
        select(Season)
        .where(Season.district_id == district_id)
        .order_by(Season.starts_at.desc(), Season.id)
    ).all()


def season_of(session: Session, district_id: UUID, season_id: UUID | None, now: datetime) -> Season:
    """The season asked for; without one, the running or else the latest.

    Raises:
        SeasonNotFoundError: the district has none, or not this one.
    """
    seasons = seasons_of(session, district_id)
    if season_id is not None:
        seasons = [season for season in seasons if season.id == season_id]
    running = [season for season in seasons if season.starts_at <= now < season.ends_at]
    for season in (*running, *seasons):
        return season
    raise SeasonNotFoundError


def nodes_of(session: Session, season_id: UUID) -> Sequence[BudgetNode]:
    """The budget tree's nodes, in the order they are shown."""
    return session.scalars(
        select(BudgetNode)
        .where(BudgetNode.season_id == season_id)
        .order_by(BudgetNode.position, BudgetNode.code)
    ).all()


def allocated_fen(session: Session, season_id: UUID) -> dict[UUID, int]:
    """What came down to each node from the level above, less what went back up, in fen."""
    source, target = aliased(Account), aliased(Account)
    levels = (AccountKind.TREASURY, AccountKind.BUDGET)
    rows = session.execute(
        select(source.kind, source.owner_id, target.owner_id, func.sum(Transfer.amount_fen))
        .join(source, source.id == Transfer.from_account_id)
        .join(target, target.id == Transfer.to_account_id)
        .where(source.season_id == season_id, source.kind.in_(levels), target.kind.in_(levels))
        .group_by(source.kind, source.owner_id, target.owner_id)
    ).all()
    parents = {node.id: node.parent_id or season_id for node in nodes_of(session, season_id)}
    allocated = dict.fromkeys(parents, 0)
    for _kind, from_id, to_id, amount_fen in rows:
        if parents.get(to_id) == from_id:
            allocated[to_id] += int(amount_fen)
        elif parents.get(from_id) == to_id:
            allocated[from_id] -= int(amount_fen)
    return allocated


def published_releases(session: Session, season_id: UUID) -> list[ReleaseFacts]:
    """All releases of the season but drafts."""
    rows = session.execute(
        select(Release.id, Campaign.node_id, Campaign.face_fen, Release.quantity)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Campaign.season_id == season_id, Release.state != ReleaseState.DRAFT)
    )
    return [ReleaseFacts(*row) for row in rows]


def claim_cells(session: Session, season_id: UUID) -> list[ClaimCell]:
    """What was claimed, by release, local day and channel."""
    day = cast(func.timezone(LOCAL_ZONE.key, Voucher.claimed_at), Date)
    rows = session.execute(
        select(Voucher.release_id, day, Voucher.claim_channel, func.count())
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Campaign.season_id == season_id, Voucher.state != VoucherState.VOID)
        .group_by(Voucher.release_id, day, Voucher.claim_channel)
    )
    return [ClaimCell(*row) for row in rows]


def redemption_cells(session: Session, season_id: UUID) -> list[RedemptionCell]:
    """What was redeemed and not reversed, by node, local day, channels and confirmed fraud."""
    day = cast(func.timezone(LOCAL_ZONE.key, Redemption.redeemed_at), Date)
    confirmed = confirmed_redemptions().cte("confirmed")
    is_fraud = confirmed.c[0].is_not(None)
    keys = (Redemption.node_id, day, Voucher.claim_channel, Redemption.channel, is_fraud)
    rows = session.execute(
        select(
            *keys,
            func.count(),
            func.sum(Redemption.discount_fen - Redemption.refunded_discount_fen),
            func.sum(Redemption.turnover_fen - Redemption.refunded_turnover_fen),
        )
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(confirmed, confirmed.c[0] == Redemption.id, isouter=True)
        .where(Redemption.season_id == season_id, Redemption.state == RedemptionState.REDEEMED)
        .group_by(*keys)
    )
    return [
        RedemptionCell(
            node_id, day, claim_channel, channel, is_fraud, count, int(discount_fen), int(order_fen)
        )
        for node_id, day, claim_channel, channel, is_fraud, count, discount_fen, order_fen in rows
    ]


def spent_fen(session: Session, season_id: UUID) -> Mapping[tuple[UUID, Standing], int]:
    """The money of redemptions by release and where it stands, in fen. Reversed ones are out."""
    rows = session.execute(
        select(
            Payable.release_id,
            Payable.standing,
            func.sum(Payable.amount_fen - Payable.returned_fen),
        )
        .where(Payable.season_id == season_id, Payable.standing != Standing.REVERSED)
        .group_by(Payable.release_id, Payable.standing)
    )
    return {(release_id, Standing(standing)): int(amount) for release_id, standing, amount in rows}
