"""Loads a season's money, by the use cases of campaigns: budget tree, campaigns, releases."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.fund import allocate, appropriate
from coupon_service.campaigns.models import (
    BudgetNode,
    Campaign,
    District,
    NodeLevel,
    Release,
    Season,
)
from coupon_service.campaigns.release import Group, close, keep_for_groups, publish
from coupon_service.core.clock import local_date
from coupon_service.core.ids import new_id
from coupon_service.simulation.demo.load_ways import mode_of
from coupon_service.simulation.season.fields import Hours
from coupon_service.simulation.season.rows import (
    BoardRow,
    CampaignRow,
    EventRow,
    SeasonFile,
    SeriesRow,
    SlotRow,
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
) -> tuple[dict[str, UUID], dict[str, UUID]]:
    """Campaigns and their releases, published; those whose window is over are closed again.

    Returns the ids of the campaigns and those of the releases, by the codes of the files.
    """
    load_day = local_date(now)
    campaigns = {row.code: _campaign(row, loaded, store_ids, load_day) for row in file.campaigns}
    session.add_all(campaigns.values())
    session.flush()
    minute = now.replace(second=0, microsecond=0)
    rooms = {r.release: minute + timedelta(minutes=r.opens_in_min) for r in file.waiting_rooms}
    releases = {
        row.code: Release(
            id=new_id(),
            campaign_id=campaigns[row.campaign].id,
            name=row.name,
            mode=mode_of(file, row.code),
            quantity=row.quantity,
            waiting_room=row.code in rooms,
            opens_at=rooms.get(row.code) or row.opens.on(load_day),
            closes_at=row.closes.on(load_day),
        )
        for row in file.releases
    }
    session.add_all(releases.values())
    session.flush()
    _let_rounds_flow(session, file, releases)
    _keep_for_groups(session, file, releases, load_day)
    for release in releases.values():
        publish(session, release.id, now=now)
        if release.closes_at <= now:
            close(session, release.id, now=now)
    return (
        {code: campaign.id for code, campaign in campaigns.items()},
        {code: release.id for code, release in releases.items()},
    )


def _let_rounds_flow(session: Session, file: SeasonFile, releases: dict[str, Release]) -> None:
    for campaign in file.campaigns:
        if campaign.flows:
            rounds = [releases[row.code] for row in file.releases if row.campaign == campaign.code]
            for one, following in pairwise(sorted(rounds, key=lambda release: release.opens_at)):
                one.flows_into_id = following.id
    session.flush()


def _keep_for_groups(
    session: Session, file: SeasonFile, releases: dict[str, Release], load_day: date
) -> None:
    groups = defaultdict(list)
    for row in file.groups:
        opens_to_all_at = row.opens_to_all.on(load_day) if row.opens_to_all else None
        group = Group(row.name, Eligibility(min_age=row.min_age), row.seats, opens_to_all_at)
        groups[row.release].append(group)
    for code, kept in groups.items():
        keep_for_groups(session, releases[code].id, kept)


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
        "weekdays": list(row.weekdays),
        "hours": [_window(hours) for hours in row.hours],
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
        slots=[_slot(slot, load_day) for slot in row.slots],
        excluded_goods=list(row.excluded_goods),
        stacking=row.stacking,
        per_order_max=row.per_order_max,
        eligibility={} if row.min_age is None else {"min_age": row.min_age},
        valid_from=row.valid_from.on(load_day) if row.valid_from else season.starts_at,
        valid_until=row.valid_until.on(load_day) if row.valid_until else season.ends_at,
        valid_days=row.valid_days,
        per_person=row.per_person,
        refund_policy=row.refund_policy,
        claim_channels=[channel.value for channel in row.claim_channels],
        redeem_channels=[channel.value for channel in row.redeem_channels],
    )


def _window(hours: Hours) -> list[str]:
    return [f"{moment:%H:%M}" for moment in (hours.opens, hours.closes)]


def _slot(row: SlotRow, load_day: date) -> dict[str, Any]:
    slot: dict[str, Any] = {"hours": _window(row.hours), "capacity": row.capacity}
    if row.since is not None and row.until is not None:
        slot["from_day"] = local_date(row.since.on(load_day)).isoformat()
        slot["until_day"] = local_date(row.until.on(load_day)).isoformat()
    return slot
