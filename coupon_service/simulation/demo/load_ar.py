"""Loads a season's AR providers with their demo secrets, their anchors, and the scenes."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.campaigns.models import BudgetNode
from coupon_service.simulation.demo.means import Means
from coupon_service.simulation.demo.people import ar_secret
from coupon_service.simulation.season.rows import SeasonFile
from redemption.ar.enlist import NewAnchor, add_anchor, enlist
from redemption.ar.models import ArGood, ArScene


def load_ar(
    session: Session,
    file: SeasonFile,
    means: Means,
    district_id: UUID,
    *,
    nodes: Mapping[str, BudgetNode],
    release_ids: Mapping[str, UUID],
    store_ids: Mapping[str, UUID],
    load_day: date,
) -> None:
    """Everything of `ar.toml`."""
    for provider in file.providers:
        enlist(
            session,
            means.vault,
            district_id=district_id,
            code=provider.code,
            name=provider.name,
            secret=ar_secret(means.settings, provider.code),
            node_id=nodes[provider.node].id if provider.node else None,
            is_built_in=provider.built_in,
            awards_per_day_max=provider.awards_per_day,
            award_fen_per_day_max=provider.award_fen_per_day,
            redeem_fen_per_day_max=provider.redeem_fen_per_day,
        )
    anchor_ids = {}
    for row in file.anchors:
        new = NewAnchor(
            code=row.code,
            name=row.name,
            lat=row.lat,
            lon=row.lon,
            radius_m=row.radius_m,
            confidence_min=row.confidence_min_percent / 100,
            release_id=release_ids[row.release] if row.release else None,
            store_id=store_ids[row.store] if row.store else None,
            opens=row.hours.opens,
            closes=row.hours.closes,
            starts_at=row.starts.on(load_day) if row.starts else None,
            ends_at=row.ends.on(load_day) if row.ends else None,
        )
        anchor_ids[row.code] = add_anchor(session, row.provider, new).id
    session.add_all(
        ArScene(
            anchor_id=anchor_ids[scene.anchor],
            shop_anchor_id=anchor_ids[scene.shop] if scene.shop else None,
        )
        for scene in file.scenes
    )
    positions: defaultdict[str, int] = defaultdict(int)
    for good in file.goods:
        positions[good.anchor] += 1
        session.add(
            ArGood(
                anchor_id=anchor_ids[good.anchor],
                position=positions[good.anchor],
                name=good.name,
                price_fen=good.price_fen,
            )
        )
    session.flush()
