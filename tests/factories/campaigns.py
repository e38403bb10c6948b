"""A small season made through the real use cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from coupon_service.campaigns.fund import allocate, appropriate
from coupon_service.campaigns.models import (
    BudgetNode,
    Campaign,
    Channel,
    District,
    NodeLevel,
    RefundPolicy,
    Release,
    Season,
    ThresholdBasis,
)
from coupon_service.campaigns.release import Group, keep_for_groups, publish
from coupon_service.core.clock import db_now
from coupon_service.core.ids import new_id

SEASON_FEN = 100_000_000


@dataclass(frozen=True)
class SmallSeason:
    """A district's season of 1,000,000 yuan, all of it in one event's budget."""

    district: District
    season: Season
    board: BudgetNode
    series: BudgetNode
    event: BudgetNode


def make_district(session: Session) -> District:
    code = uuid4().hex[:12]
    district = District(id=new_id(), code=code, name=f"测试区{code[:4]}")
    session.add(district)
    session.flush()
    return district


def make_season(
    session: Session, *, district: District | None = None, amount_fen: int = SEASON_FEN
) -> SmallSeason:
    """A running season whose money has come down to one event."""
    district = district or make_district(session)
    now = db_now(session)
    season = Season(
        id=new_id(),
        district_id=district.id,
        code=f"s-{uuid4().hex[:8]}",
        name="测试消费季",
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=90),
    )
    session.add(season)
    session.flush()
    nodes: list[BudgetNode] = []
    for level in (NodeLevel.BOARD, NodeLevel.SERIES, NodeLevel.EVENT):
        node = BudgetNode(
            id=new_id(),
            season_id=season.id,
            parent_id=nodes[-1].id if nodes else None,
            level=level,
            code=level,
            name=f"测试{level}",
        )
        session.add(node)
        session.flush()
        nodes.append(node)
    appropriate(session, season, amount_fen)
    for node in nodes:
        allocate(session, node, amount_fen)
    return SmallSeason(district, season, *nodes)


def another_event(
    session: Session, small: SmallSeason, *, amount_fen: int = SEASON_FEN
) -> BudgetNode:
    """One more event of the season, with money of its own."""
    node = BudgetNode(
        id=new_id(),
        season_id=small.season.id,
        parent_id=small.series.id,
        level=NodeLevel.EVENT,
        code=f"e-{uuid4().hex[:8]}",
        name="另一场活动",
    )
    session.add(node)
    session.flush()
    appropriate(session, small.season, amount_fen)
    for below in (small.board, small.series, node):
        allocate(session, below, amount_fen)
    return node


def make_campaign(session: Session, small: SmallSeason, **terms: Any) -> Campaign:
    """A campaign of 20 yuan off from 50; `terms` replace columns."""
    now = db_now(session)
    defaults: dict[str, Any] = {
        "id": new_id(),
        "season_id": small.season.id,
        "node_id": small.event.id,
        "code": f"c-{uuid4().hex[:8]}",
        "name": "满50减20",
        "face_fen": 2_000,
        "threshold_fen": 5_000,
        "threshold_basis": ThresholdBasis.BEFORE,
        "valid_from": now - timedelta(days=1),
        "valid_until": now + timedelta(days=30),
        "refund_policy": RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY,
        "claim_channels": [channel.value for channel in Channel],
        "redeem_channels": [Channel.ONSITE.value, Channel.VIRTUAL.value],
    }
    campaign = Campaign(**(defaults | terms))
    session.add(campaign)
    session.flush()
    return campaign


def make_release(
    session: Session,
    campaign: Campaign,
    *,
    quantity: int = 100,
    opens_in: timedelta = timedelta(minutes=-1),
    open_for: timedelta = timedelta(days=7),
    groups: Sequence[Group] = (),
    **columns: Any,
) -> Release:
    """A published release; by default open since a minute ago."""
    release = draft_release(
        session, campaign, quantity=quantity, opens_in=opens_in, open_for=open_for, **columns
    )
    keep_for_groups(session, release.id, groups)
    return publish(session, release.id, now=db_now(session))


def draft_release(
    session: Session,
    campaign: Campaign,
    *,
    quantity: int = 100,
    opens_in: timedelta = timedelta(minutes=-1),
    open_for: timedelta = timedelta(days=7),
    **columns: Any,
) -> Release:
    """A release that nobody sees yet; `columns` are further ones of its row."""
    opens_at = db_now(session) + opens_in
    release = Release(
        id=new_id(),
        campaign_id=campaign.id,
        name="第一轮",
        quantity=quantity,
        opens_at=opens_at,
        closes_at=opens_at + open_for,
        **columns,
    )
    session.add(release)
    session.flush()
    return release


def open_release(session: Session, *, quantity: int = 100, **terms: Any) -> UUID:
    """A release that can be claimed from, with a season of its own; returns its id."""
    campaign = make_campaign(session, make_season(session), **terms)
    return make_release(session, campaign, quantity=quantity).id
