"""Shared reads of merchants, stores and tills."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.models import Campaign, Channel, Sandbox, Season
from coupon_service.campaigns.terms import Place, unusable_at
from coupon_service.core.clock import within_hours
from merchants.errors import TillNotFoundError
from merchants.models import Merchant, MerchantState, Store, Till


@dataclass(frozen=True)
class StoreFilter:
    """What a list of stores is narrowed to; None leaves that open."""

    zone: str | None = None
    category: str | None = None
    tag: str | None = None
    district_id: UUID | None = None


@dataclass(frozen=True)
class StorePlace:
    """What a list or a map shows of a store, and what the terms look at."""

    id: UUID
    code: str
    name: str
    category: str
    zone: str
    address: str
    tags: Sequence[str]
    lat: float
    lon: float
    opens: time
    closes: time
    channel: str
    is_illustration: bool

    @property
    def place(self) -> Place:
        return Place(self.id, self.category, self.zone, self.tags, Channel(self.channel))

    def open_at(self, local: time) -> bool:
        """Whether its hours include that local time."""
        return within_hours(self.opens, self.closes, local)


_PLACE_COLUMNS = (
    Store.id,
    Store.code,
    Store.name,
    Store.category,
    Store.zone,
    Store.address,
    Store.tags,
    Store.lat,
    Store.lon,
    Store.opens,
    Store.closes,
    Store.channel,
    Merchant.is_illustration,
)


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
    query = select(Store).options(joinedload(Store.merchant)).where(*_matches(wanted))
    query = query.join(Merchant, Merchant.id == Store.merchant_id).order_by(Store.id).limit(limit)
    if after_id is not None:
        query = query.where(Store.id > after_id)
    return session.scalars(query).all()


def store_places(session: Session, wanted: StoreFilter) -> Sequence[StorePlace]:
    """Every store of active merchants that the filter leaves, by zone and name."""
    rows = session.execute(
        select(*_PLACE_COLUMNS)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(*_matches(wanted))
        .order_by(Store.zone, Store.name, Store.id)
    )
    return [StorePlace(*tuple(row)) for row in rows]


def stores_for(session: Session, campaign: Campaign) -> Sequence[StorePlace]:
    """Stores where the campaign's vouchers work, by zone and name."""
    season = session.get_one(Season, campaign.season_id)
    places = store_places(session, StoreFilter(district_id=season.district_id))
    return [store for store in places if unusable_at(campaign, store.place) is None]


def _matches(wanted: StoreFilter) -> Iterator[ColumnElement[bool]]:
    yield Merchant.state == MerchantState.ACTIVE
    yield ~exists().where(Sandbox.district_id == Merchant.district_id)
    if wanted.zone is not None:
        yield Store.zone == wanted.zone
    if wanted.category is not None:
        yield Store.category == wanted.category
    if wanted.tag is not None:
        yield Store.tags.any_() == wanted.tag
    if wanted.district_id is not None:
        yield Merchant.district_id == wanted.district_id
