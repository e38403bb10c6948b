"""Loads a season's money, by the use cases of campaigns: budget tree, campaigns, releases."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.fund import allocate, appropriate
from coupon_service.campaigns.models import (
    BudgetNode,
    Campaign,
    District,
    NodeLevel,
    Release,
    Season,
)
from coupon_service.campaigns.release import close, publish
from coupon_service.core.clock import local_date
from coupon_service.core.ids import new_id
from coupon_service.simulation.season.rows import (
    BoardRow,
    CampaignRow,
    EventRow,
    SeasonFile,
    SeriesRow,
)


@dataclass
class LoadedBudget:
    """A season and the nodes of its budget tree, by the codes of the files."""

    season: Season
    nodes: dict[str, BudgetNode] = field(default_factory=dict)


def find_or_add_district(session: Session, file: SeasonFile) -> District:
    """The district of that code; several seasons may share it."""
    found = session.execute(
        select(District).where(District.code == file.district.code)
    ).scalar_one_or_none()
    if found is None:
        found = District(id=new_id(), code=file.district.code, name=file.district.name)
        session.add(found)
        session.flush()
    return found


def load_budget(
    session: Session, file: SeasonFile, district: District, load_day: date
) -> LoadedBudget:
    """The season with its money brought down to the events; nothing is released yet."""
    season = Season(
        id=new_id(),
        district_id=district.id,
        code=file.season.code,
        name=file.season.name,
        starts_at=file.season.starts.on(load_day),
        ends_at=file.season.ends.on(load_day),
    )
    session.add(season)
    session.flush()
    loaded = LoadedBudget(season)
    appropriate(session, season, file.season.appropriation_fen)
    levels: tuple[tuple[NodeLevel, Sequence[BoardRow | SeriesRow | EventRow]], ...] = (
        (NodeLevel.BOARD, file.boards),
        (NodeLevel.SERIES, file.series),
        (NodeLevel.EVENT, file.events),
    )
    # Parents first: the money comes down one level at a time.
    for level, rows in levels:
        for row in rows:
            loaded.nodes[row.code] = _node(loaded, level, row)
        session.add_all(loaded.nodes.values())
        session.flush()
        for row in rows:
            allocate(session, loaded.nodes[row.code], row.budget_fen)
    return loaded


def load_campaigns(
    session: Session,
    file: SeasonFile,
    loaded: LoadedBudget,
    store_ids: dict[str, UUID],
    *,
    now: datetime,
) -> dict[str, UUID]:
    """Campaigns and their releases, published; those whose window is over are closed again.

    Returns the ids of the releases, by the codes of the files.
    """
    load_day = local_date(now)
    campaigns = {row.code: _campaign(row, loaded, store_ids, load_day) for row in file.campaigns}
    session.add_all(campaigns.values())
    session.flush()
    releases = {
        row.code: Release(
            id=new_id(),
            campaign_id=campaigns[row.campaign].id,
            name=row.name,
            quantity=row.quantity,
            opens_at=row.opens.on(load_day),
            closes_at=row.closes.on(load_day),
        )
        for row in file.releases
    }
    session.add_all(releases.values())
    session.flush()
    for release in releases.values():
        publish(session, release.id, now=now)
        if release.closes_at <= now:
            close(session, release.id, now=now)
    return {code: release.id for code, release in releases.items()}


def _node(
    loaded: LoadedBudget, level: NodeLevel, row: BoardRow | SeriesRow | EventRow
) -> BudgetNode:
    match row:
        case BoardRow():
            parent_id, city_boards = None, list(row.city_boards)
        case SeriesRow():
            parent_id, city_boards = loaded.nodes[row.board].id, []
        case EventRow():
            parent_id, city_boards = loaded.nodes[row.series].id, []
        case unknown:
            assert_never(unknown)
    return BudgetNode(
        id=new_id(),
        season_id=loaded.season.id,
        parent_id=parent_id,
        level=level,
        code=row.code,
        name=row.name,
        city_boards=city_boards,
        position=len(loaded.nodes),
    )


def _campaign(
    row: CampaignRow, loaded: LoadedBudget, store_ids: dict[str, UUID], load_day: date
) -> Campaign:
    limits = {
        "zones": list(row.zones),
        "categories": list(row.categories),
        "tags": list(row.tags),
        "store_ids": [str(store_ids[code]) for code in row.stores],
    }
    # An absent key limits nothing; an empty list would exclude every store.
    scope: dict[str, Any] = {key: entries for key, entries in limits.items() if entries}
    season = loaded.season
    return Campaign(
        id=new_id(),
        season_id=season.id,
        node_id=loaded.nodes[row.event].id,
        code=row.code,
        name=row.name,
        summary=row.summary,
        face_fen=row.discount_max_fen,
        rate_bp=row.rate_bp,
        threshold_fen=row.threshold_fen,
        threshold_basis=row.threshold_basis,
        min_pay_fen=row.min_pay_fen,
        scope=scope,
        valid_from=row.valid_from.on(load_day) if row.valid_from else season.starts_at,
        valid_until=row.valid_until.on(load_day) if row.valid_until else season.ends_at,
        valid_days=row.valid_days,
        per_person=row.per_person,
        refund_policy=row.refund_policy,
        claim_channels=[channel.value for channel in row.claim_channels],
        redeem_channels=[channel.value for channel in row.redeem_channels],
    )
