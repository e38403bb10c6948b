"""Shared reads of campaigns and releases."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.errors import ReleaseNotFoundError
from coupon_service.campaigns.models import (
    BudgetNode,
    Campaign,
    Release,
    ReleaseState,
    Sandbox,
    Season,
)

PUBLISHED = (ReleaseState.OPEN, ReleaseState.PAUSED)


def current_seasons(session: Session, now: datetime) -> Sequence[Season]:
    """Seasons that run at this moment, oldest first; those of sandboxes are nobody's."""
    in_sandbox = exists().where(Sandbox.district_id == Season.district_id)
    return session.scalars(
        select(Season)
        .where(Season.starts_at <= now, Season.ends_at > now, ~in_sandbox)
        .order_by(Season.starts_at, Season.id)
    ).all()


def offered_releases(session: Session, now: datetime) -> Sequence[Release]:
    """Published releases whose window has not ended: open ones and upcoming ones, by opening time.

    Campaign and budget node are loaded; `opens_at > now` tells the upcoming ones apart.
    """
    return session.scalars(
        _with_terms()
        .where(Release.state.in_(PUBLISHED), Release.closes_at > now)
        .order_by(Release.opens_at, Release.number)
    ).all()


def release_or_refuse(session: Session, release_id: UUID) -> Release:
    """A published or closed release with its campaign, node and season.

    Raises:
        ReleaseNotFoundError: there is none, or it is still a draft.
    """
    release = session.scalars(
        _with_terms().where(Release.id == release_id, Release.state != ReleaseState.DRAFT)
    ).one_or_none()
    if release is None:
        raise ReleaseNotFoundError
    return release


def releases_past_their_window(session: Session, now: datetime) -> Sequence[UUID]:
    """Ids of published releases whose window has ended."""
    return session.scalars(
        select(Release.id).where(Release.state.in_(PUBLISHED), Release.closes_at <= now)
    ).all()


def board_of(session: Session, season_id: UUID) -> dict[UUID, BudgetNode]:
    """The board above each budget node of a season, by the node's id."""
    nodes = {
        node.id: node
        for node in session.scalars(select(BudgetNode).where(BudgetNode.season_id == season_id))
    }

    def board(node: BudgetNode) -> BudgetNode:
        return node if node.parent_id is None else board(nodes[node.parent_id])

    return {node_id: board(node) for node_id, node in nodes.items()}


def _with_terms() -> Select[Release]:
    return select(Release).options(
        joinedload(Release.campaign).options(joinedload(Campaign.node), joinedload(Campaign.season))
    )
