"""Shared reads of merchants, stores and tills."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.models import Campaign, Channel, Season
from coupon_service.campaigns.terms import Place
from merchants.errors import TillNotFoundError
from merchants.models import Merchant, MerchantState, Store, Till


@dataclass(frozen=True)
class StoreFilter:
    """What a list of stores is narrowed to; None leaves that open."""

    zone: str | None = None
    category: str | None = None
    tag: str | None = None
    district_id: UUID | None = None


def till_with_store(session: Session, till_id: UUID) -> Till:
    """A till with its store and merchant loaded, active or not: the caller decides what that means.

    Raises:
        TillNotFoundError: there is no such till.
    """
    till = session.scalars(
        select(Till)
        .where(Till.id == till_id)
        .options(joinedload(Till.store).joinedload(Store.merchant))
    ).one_or_none()
    if till is None:
        raise TillNotFoundError
    return till


def place_of(store: Store) -> Place:
    """What of a store its vouchers' terms look at."""
    return Place(
        store_id=store.id,
        category=store.category,
        zone=store.zone,
        tags=frozenset(store.tags),
        channel=Channel(store.channel),
    )


def list_stores(
    session: Session, wanted: StoreFilter, *, after_id: UUID | None, limit: int
) -> Sequence[Store]:
    """Stores of active merchants in the order they joined, beginning after `after_id`."""
    query = _open_stores().order_by(Store.id).limit(limit)
    if wanted.district_id is not None:
        query = query.where(Merchant.district_id == wanted.district_id)
    if wanted.zone is not None:
        query = query.where(Store.zone == wanted.zone)
    if wanted.category is not None:
        query = query.where(Store.category == wanted.category)
    if wanted.tag is not None:
        query = query.where(Store.tags.any_() == wanted.tag)
    if after_id is not None:
        query = query.where(Store.id > after_id)
    return session.scalars(query).all()


def stores_for(session: Session, campaign: Campaign, *, limit: int) -> Sequence[Store]:
    """Stores where the campaign's vouchers work, by zone and name.

    The same rule as `campaigns.terms.unusable_at`, stated as a query.
    """
    scope: dict[str, Any] = campaign.scope
    query = (
        _open_stores()
        .join(Season, Season.district_id == Merchant.district_id)
        .where(Season.id == campaign.season_id, Store.channel.in_(campaign.redeem_channels))
        .order_by(Store.zone, Store.name, Store.id)
        .limit(limit)
    )
    if "store_ids" in scope:
        query = query.where(Store.id.in_([UUID(store_id) for store_id in scope["store_ids"]]))
    if "categories" in scope:
        query = query.where(Store.category.in_(scope["categories"]))
    if "zones" in scope:
        query = query.where(Store.zone.in_(scope["zones"]))
    if "tags" in scope:
        query = query.where(Store.tags.overlap(scope["tags"]))
    return session.scalars(query).all()


def _open_stores() -> Select[Store]:
    return (
        select(Store)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(Merchant.state == MerchantState.ACTIVE)
        .options(joinedload(Store.merchant))
    )
