"""Storing orders and their redemptions: two INSERTs, however many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.core.money import shared_out
from redemption.present import Counter, ShownVoucher

# Without a row for an order whose number somebody took meanwhile: it waits for them and then knows.
# In one order for everybody, so that two batches never wait for each other.
_ORDERS = text(
    """
    INSERT INTO orders (id, merchant_id, order_no, fingerprint, state, store_id, till_id, clerk_id,
                        shift_id, channel, order_fen, after_discount_fen, goods, discount_fen,
                        redeemed_at)
    SELECT id, merchant_id, order_no, fingerprint, 'redeemed', store_id, till_id, clerk_id,
           shift_id, channel, order_fen, after_discount_fen, goods, discount_fen, :now
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:merchants AS uuid[]), CAST(:numbers AS text[]),
        CAST(:fingerprints AS bytea[]), CAST(:stores AS uuid[]), CAST(:tills AS uuid[]),
        CAST(:clerks AS uuid[]), CAST(:shifts AS uuid[]), CAST(:channels AS text[]),
        CAST(:orders AS bigint[]), CAST(:after_discounts AS bigint[]), CAST(:goods AS jsonb[]),
        CAST(:discounts AS bigint[])
    ) AS new (id, merchant_id, order_no, fingerprint, store_id, till_id, clerk_id, shift_id,
              channel, order_fen, after_discount_fen, goods, discount_fen)
    ORDER BY merchant_id, order_no
    ON CONFLICT (merchant_id, order_no) DO NOTHING
    RETURNING id
    """
)
# The store's category, zone and tags of this moment.
_REDEMPTIONS = text(
    """
    INSERT INTO redemptions (id, order_id, position, merchant_id, state, store_id, till_id,
                             voucher_id, season_id, node_id, discount_fen, turnover_fen,
                             proof_counter, channel, category, zone, tags, redeemed_at)
    SELECT new.id, stored.id, new.position, stored.merchant_id, 'redeemed', stored.store_id,
           stored.till_id, new.voucher_id, new.season_id, new.node_id, new.discount_fen,
           new.turnover_fen, new.proof_counter, stored.channel, store.category, store.zone,
           store.tags, :now
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:orders AS uuid[]), CAST(:positions AS smallint[]),
        CAST(:vouchers AS uuid[]), CAST(:seasons AS uuid[]), CAST(:nodes AS uuid[]),
        CAST(:discounts AS bigint[]), CAST(:turnovers AS bigint[]), CAST(:counters AS bigint[])
    ) AS new (id, order_id, position, voucher_id, season_id, node_id, discount_fen, turnover_fen,
              proof_counter)
    JOIN orders stored ON stored.id = new.order_id
    JOIN stores store ON store.id = stored.store_id
    """
)


@dataclass(frozen=True)
class NewRedemption:
    """A voucher that pays `discount_fen` of an order."""

    id: UUID
    voucher: ShownVoucher
    discount_fen: int

    @property
    def proof_counter(self) -> int | None:
        scan = self.voucher.showing.scan
        return scan.proof_counter if scan else None


@dataclass(frozen=True)
class NewOrder:
    """An order to be stored with its redemptions. Amounts in fen."""

    id: UUID
    order_no: str
    counter: Counter
    fingerprint: bytes
    channel: Channel
    clerk_id: UUID | None
    shift_id: UUID | None
    order_fen: int
    after_discount_fen: int
    goods: Mapping[str, int]
    redemptions: Sequence[NewRedemption]

    @property
    def discount_fen(self) -> int:
        return sum(one.discount_fen for one in self.redemptions)

    @property
    def turnovers_fen(self) -> list[int]:
        """The part of the order's amount that counts as each voucher's."""
        return shared_out(self.after_discount_fen, [one.discount_fen for one in self.redemptions])


def store_orders(session: Session, orders: Sequence[NewOrder], *, now: datetime) -> set[UUID]:
    """Store the orders whose numbers are free, with their redemptions; returns their ids."""
    rows = session.execute(
        _ORDERS,
        {
            "ids": [order.id for order in orders],
            "merchants": [order.counter.merchant_id for order in orders],
            "numbers": [order.order_no for order in orders],
            "fingerprints": [order.fingerprint for order in orders],
            "stores": [order.counter.store_id for order in orders],
            "tills": [order.counter.till_id for order in orders],
            "clerks": [order.clerk_id for order in orders],
            "shifts": [order.shift_id for order in orders],
            "channels": [order.channel for order in orders],
            "orders": [order.order_fen for order in orders],
            "after_discounts": [order.after_discount_fen for order in orders],
            "goods": [orjson.dumps(order.goods).decode() for order in orders],
            "discounts": [order.discount_fen for order in orders],
            "now": now,
        },
    )
    stored = {row.id for row in rows}
    lines = [
        (order.id, position, redemption, turnover_fen)
        for order in orders
        if order.id in stored
        for position, (redemption, turnover_fen) in enumerate(
            zip(order.redemptions, order.turnovers_fen, strict=True), start=1
        )
    ]
    if lines:
        session.execute(
            _REDEMPTIONS,
            {
                "ids": [line.id for _, _, line, _ in lines],
                "orders": [order_id for order_id, _, _, _ in lines],
                "positions": [position for _, position, _, _ in lines],
                "vouchers": [line.voucher.id for _, _, line, _ in lines],
                "seasons": [line.voucher.terms.campaign.season_id for _, _, line, _ in lines],
                "nodes": [line.voucher.terms.campaign.node_id for _, _, line, _ in lines],
                "discounts": [line.discount_fen for _, _, line, _ in lines],
                "turnovers": [turnover_fen for _, _, _, turnover_fen in lines],
                "counters": [line.proof_counter for _, _, line, _ in lines],
                "now": now,
            },
        )
    return stored
