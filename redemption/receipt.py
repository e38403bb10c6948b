"""The receipt: what became of an order, as a till, a page or a repeat is told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Release
from coupon_service.vouchers.models import Voucher
from redemption.models import Order, OrderState, Redemption, RedemptionState


@dataclass(frozen=True)
class Line:
    """One voucher of an order. Amounts in fen."""

    redemption_id: UUID
    voucher_id: UUID
    campaign: str
    state: RedemptionState
    discount_fen: int
    refunded_discount_fen: int = 0


@dataclass(frozen=True)
class Receipt:
    """An order with its vouchers. Amounts in fen; those of a tombstone are 0.

    Attributes:
        refunded_fen: the worth of goods that came back, out of `after_discount_fen`.
        fingerprint: SHA-256 of what was asked for.
    """

    order_id: UUID
    order_no: str
    state: OrderState
    store_id: UUID
    till_id: UUID | None
    order_fen: int
    after_discount_fen: int
    discount_fen: int
    refunded_fen: int
    redeemed_at: datetime
    reversed_at: datetime | None
    lines: Sequence[Line]
    fingerprint: bytes

    @property
    def customer_pays_fen(self) -> int:
        return self.after_discount_fen - self.discount_fen


def receipts(session: Session, order_ids: Collection[UUID]) -> dict[UUID, Receipt]:
    """The receipts of these orders."""
    return {receipt.order_id: receipt for receipt in _receipts(session, Order.id.in_(order_ids))}


def receipt_of(session: Session, merchant_id: UUID, order_no: str) -> Receipt | None:
    """What is stored under a merchant's order number."""
    found = _receipts(session, Order.merchant_id == merchant_id, Order.order_no == order_no)
    return found[0] if found else None


def receipts_at_till(
    session: Session, till_id: UUID, since: datetime, *, limit: int
) -> list[Receipt]:
    """What a till did since a moment, newest first."""
    newest = (
        select(Order.id)
        .where(Order.till_id == till_id, Order.redeemed_at >= since)
        .order_by(Order.redeemed_at.desc(), Order.id.desc())
        .limit(limit)
    )
    found = _receipts(session, Order.id.in_(newest))
    return sorted(found, key=lambda one: (one.redeemed_at, one.order_id), reverse=True)


def _receipts(session: Session, *which: ColumnElement[bool]) -> list[Receipt]:
    orders = session.execute(select(*_ORDER_COLUMNS).where(*which)).all()
    lines: dict[UUID, list[Line]] = {row.id: [] for row in orders}
    for row in session.execute(
        select(
            Redemption.order_id,
            Redemption.id,
            Redemption.voucher_id,
            Campaign.name,
            Redemption.state,
            Redemption.discount_fen,
            Redemption.refunded_discount_fen,
        )
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Redemption.order_id.in_(lines))
        .order_by(Redemption.order_id, Redemption.position)
    ):
        line = Line(
            redemption_id=row.id,
            voucher_id=row.voucher_id,
            campaign=row.name,
            state=RedemptionState(row.state),
            discount_fen=row.discount_fen,
            refunded_discount_fen=row.refunded_discount_fen,
        )
        lines[row.order_id].append(line)
    return [
        Receipt(
            order_id=row.id,
            order_no=row.order_no,
            state=OrderState(row.state),
            store_id=row.store_id,
            till_id=row.till_id,
            order_fen=row.order_fen,
            after_discount_fen=row.after_discount_fen,
            discount_fen=row.discount_fen,
            refunded_fen=row.refunded_fen,
            redeemed_at=row.redeemed_at,
            reversed_at=row.reversed_at,
            lines=lines[row.id],
            fingerprint=row.fingerprint,
        )
        for row in orders
    ]


_ORDER_COLUMNS = (
    Order.id,
    Order.order_no,
    Order.state,
    Order.store_id,
    Order.till_id,
    Order.order_fen,
    Order.after_discount_fen,
    Order.discount_fen,
    Order.refunded_fen,
    Order.redeemed_at,
    Order.reversed_at,
    Order.fingerprint,
)
