"""The places of slots: kept while orders are decided, taken, given back.

A redemption takes one place of the slot that its moment lies in, where the campaign has slots; a
campaign without them costs no statement. Which slot that was follows from the redemption's store
and time for ever after, because the terms of a published campaign do not change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.campaigns.hours import Slot, slot_at
from coupon_service.campaigns.models import Campaign
from coupon_service.core.db import as_rows
from redemption.present import Presented

# Held until the transaction ends, whether they were there or not; in one order for everybody, so
# that two batches never wait for each other. Vouchers are locked before, order numbers after.
_HOLD = text(
    """
    INSERT INTO slot_counters AS counter
        (campaign_id, store_id, starts_at, ends_at, capacity, taken)
    SELECT campaign_id, store_id, starts_at, ends_at, capacity, 0
    FROM json_to_recordset(CAST(:rows AS json))
        AS wanted (campaign_id uuid, store_id uuid, starts_at timestamptz, ends_at timestamptz,
                   capacity bigint)
    ORDER BY campaign_id, store_id, starts_at
    ON CONFLICT (campaign_id, store_id, starts_at) DO UPDATE SET taken = counter.taken
    RETURNING campaign_id, store_id, starts_at, taken
    """
)
_LOOK = text(
    """
    SELECT counter.campaign_id, counter.store_id, counter.starts_at, counter.taken
    FROM json_to_recordset(CAST(:rows AS json))
        AS wanted (campaign_id uuid, store_id uuid, starts_at timestamptz)
    JOIN slot_counters counter USING (campaign_id, store_id, starts_at)
    """
)
_TAKE = text(
    """
    UPDATE slot_counters counter SET taken = counter.taken + wanted.places
    FROM json_to_recordset(CAST(:rows AS json))
        AS wanted (campaign_id uuid, store_id uuid, starts_at timestamptz, places bigint)
    WHERE counter.campaign_id = wanted.campaign_id AND counter.store_id = wanted.store_id
      AND counter.starts_at = wanted.starts_at
    """
)
_GIVE_BACK = text(
    """
    WITH undone AS (
        SELECT counter.campaign_id, counter.store_id, counter.starts_at, count(*) AS places
        FROM redemptions redemption
        JOIN vouchers voucher ON voucher.id = redemption.voucher_id
        JOIN releases release ON release.id = voucher.release_id
        JOIN slot_counters counter
            ON counter.campaign_id = release.campaign_id
            AND counter.store_id = redemption.store_id
            AND counter.starts_at <= redemption.redeemed_at
            AND counter.ends_at > redemption.redeemed_at
        WHERE redemption.order_id = :order_id
        GROUP BY counter.campaign_id, counter.store_id, counter.starts_at
    ), held AS (
        SELECT counter.campaign_id, counter.store_id, counter.starts_at, undone.places
        FROM slot_counters counter JOIN undone USING (campaign_id, store_id, starts_at)
        ORDER BY counter.campaign_id, counter.store_id, counter.starts_at
        FOR NO KEY UPDATE OF counter
    )
    UPDATE slot_counters counter SET taken = counter.taken - held.places FROM held
    WHERE counter.campaign_id = held.campaign_id AND counter.store_id = held.store_id
      AND counter.starts_at = held.starts_at
    """
)


@dataclass(frozen=True)
class StoreSlot:
    """One slot of a campaign at one store."""

    campaign_id: UUID
    store_id: UUID
    slot: Slot


@dataclass
class Places:
    """What is taken of slots at one moment, for deciding orders one after the other."""

    now: datetime
    taken: dict[StoreSlot, int] = field(default_factory=dict)

    def slot(self, campaign: Campaign, store_id: UUID) -> StoreSlot | None:
        """The slot that a redemption at this moment takes a place of, if any."""
        slot = slot_at(campaign.slots, self.now) if campaign.slots else None
        return None if slot is None else StoreSlot(campaign.id, store_id, slot)

    def left(self, slot: StoreSlot) -> int:
        """How many places nobody has."""
        return slot.slot.capacity - self.taken.get(slot, 0)

    def take(self, slots: Iterable[StoreSlot]) -> None:
        """Count one place of each as taken, for the orders decided after this one."""
        for slot in slots:
            self.taken[slot] = self.taken.get(slot, 0) + 1


def hold_places(session: Session, orders: Iterable[Presented], *, now: datetime) -> Places:
    """The places that these orders might take; nobody else takes any until the transaction ends."""
    return _places(session, orders, now, _HOLD)


def look_at_places(session: Session, orders: Iterable[Presented], *, now: datetime) -> Places:
    """The same as it is at this moment, without keeping anybody from them."""
    return _places(session, orders, now, _LOOK)


def take_places(session: Session, slots: Iterable[StoreSlot]) -> None:
    """Take one place of each, once for each time it is named. They are held, and were free."""
    places: dict[StoreSlot, int] = {}
    for slot in slots:
        places[slot] = places.get(slot, 0) + 1
    if places:
        session.execute(_TAKE, {"rows": _rows(places)})


def give_places_back(session: Session, order_id: UUID) -> None:
    """Free the places that the order's redemptions had taken."""
    session.execute(_GIVE_BACK, {"order_id": order_id})


def _places(session: Session, orders: Iterable[Presented], now: datetime, statement: Any) -> Places:
    places = Places(now)
    wanted = {
        slot: 0
        for order in orders
        for voucher in order.vouchers
        if (slot := places.slot(voucher.terms.campaign, order.counter.store_id)) is not None
    }
    if wanted:
        by_key = {(one.campaign_id, one.store_id, one.slot.starts_at): one for one in wanted}
        for row in session.execute(statement, {"rows": _rows(wanted)}):
            places.taken[by_key[row.campaign_id, row.store_id, row.starts_at]] = row.taken
    return places


def _rows(slots: Mapping[StoreSlot, int]) -> str:
    return as_rows(
        {
            "campaign_id": one.campaign_id,
            "store_id": one.store_id,
            "starts_at": one.slot.starts_at,
            "ends_at": one.slot.ends_at,
            "capacity": one.slot.capacity,
            "places": places,
        }
        for one, places in slots.items()
    )
