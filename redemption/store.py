"""Storing orders and their redemptions: two INSERTs, however many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import as_rows
from coupon_service.core.money import shared_out
from redemption.present import Counter, ShownVoucher

# Without a row for an order whose number somebody took meanwhile: it waits for them and then knows.
# In one order for everybody, so that two batches never wait for each other.
_ORDERS = text(
    """
    INSERT INTO orders (id, merchant_id, order_no, fingerprint, state, store_id, till_id, clerk_id,
                        channel, order_fen, after_discount_fen, goods, discount_fen,
                        redeemed_at)
    SELECT id, merchant_id, order_no, decode(fingerprint, 'hex'), 'redeemed', store_id, till_id,
           clerk_id, channel, order_fen, after_discount_fen, goods, discount_fen, :now
    FROM json_to_recordset(CAST(:rows AS json))
        AS new (id uuid, merchant_id uuid, order_no text, fingerprint text, store_id uuid,
                till_id uuid, clerk_id uuid, channel text, order_fen bigint,
                after_discount_fen bigint, goods jsonb, discount_fen bigint)
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
    FROM json_to_recordset(CAST(:rows AS json))
        AS new (id uuid, order_id uuid, position smallint, voucher_id uuid, season_id uuid,
                node_id uuid, discount_fen bigint, turnover_fen bigint, proof_counter bigint)
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
    rows = as_rows(_order_row(order) for order in orders)
    stored = {row.id for row in session.execute(_ORDERS, {"rows": rows, "now": now})}
    lines = [line for order in orders if order.id in stored for line in _redemption_rows(order)]
    if lines:
        session.execute(_REDEMPTIONS, {"rows": as_rows(lines), "now": now})
    return stored


def _order_row(order: NewOrder) -> dict[str, Any]:
    return {
        "id": order.id,
        "merchant_id": order.counter.merchant_id,
        "order_no": order.order_no,
        "fingerprint": order.fingerprint.hex(),
        "store_id": order.counter.store_id,
        "till_id": order.counter.till_id,
        "clerk_id": order.clerk_id,
        "channel": order.channel,
        "order_fen": order.order_fen,
        "after_discount_fen": order.after_discount_fen,
        "goods": order.goods,
        "discount_fen": order.discount_fen,
    }


def _redemption_rows(order: NewOrder) -> list[dict[str, Any]]:
    return [
        {
            "id": line.id,
            "order_id": order.id,
            "position": position,
            "voucher_id": line.voucher.id,
            "season_id": line.voucher.terms.campaign.season_id,
            "node_id": line.voucher.terms.campaign.node_id,
            "discount_fen": line.discount_fen,
            "turnover_fen": turnover_fen,
            "proof_counter": line.proof_counter,
        }
        for position, (line, turnover_fen) in enumerate(
            zip(order.redemptions, order.turnovers_fen, strict=True), start=1
        )
    ]
