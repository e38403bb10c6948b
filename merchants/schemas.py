"""Stores on the wire."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from coupon_service.core.schemas import Body, View
from merchants.models import Store

PAGE_DEFAULT = 50
PAGE_MAX = 200

# No control characters: PostgreSQL cannot take NUL.
Word = Annotated[
    str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class StoreQuery(Body):
    zone: Word | None = None
    category: Word | None = None
    tag: Word | None = None
    district_id: UUID | None = None
    cursor: UUID | None = Field(default=None, description="`next_cursor` of the page before")
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MAX)


class StoreView(View):
    """A store. `opens` and `closes` are local; `closes` before `opens` is on the next day."""

    store_id: UUID
    code: str
    name: str
    merchant: str
    category: str
    zone: str
    street: str
    address: str
    tags: list[str]
    lat: float
    lon: float
    opens: str
    closes: str
    channel: str
    is_illustration: bool

    @classmethod
    def of(cls, store: Store) -> Self:
        return cls(
            store_id=store.id,
            code=store.code,
            name=store.name,
            merchant=store.merchant.name,
            category=store.category,
            zone=store.zone,
            street=store.street,
            address=store.address,
            tags=store.tags,
            lat=store.lat,
            lon=store.lon,
            opens=f"{store.opens:%H:%M}",
            closes=f"{store.closes:%H:%M}",
            channel=store.channel,
            is_illustration=store.merchant.is_illustration,
        )


class StoreList(View):
    stores: list[StoreView]
    next_cursor: UUID | None = Field(description="absent on the last page")
