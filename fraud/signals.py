"""Gathers what the rules look at: five small queries per redemption.

Everything is read as of the moment of the redemption, so that a job that runs late, or again, sees
the same. Reversed redemptions do not count.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Release, ThresholdBasis
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.vouchers.models import Voucher
from fraud.rules import (
    BURST_WINDOW_S,
    RECENT_ORDERS,
    RELATED_WINDOW_S,
    OrderSeen,
    Signals,
)
from merchants.models import Store
from redemption.models import Order, Redemption, RedemptionState


@dataclass(frozen=True)
class Subject:
    """The redemption to judge."""

    redemption_id: UUID
    season_id: UUID
    merchant_id: UUID
    store_id: UUID
    till_id: UUID | None
    resident_id: UUID
    device_hash: bytes | None
    redeemed_at: datetime


def find_subject(session: Session, redemption_id: UUID) -> Subject | None:
    """The redemption, or None when it does not count: reversed meanwhile."""
    row = session.execute(
        select(
            Redemption.id,
            Redemption.season_id,
            Redemption.merchant_id,
            Redemption.store_id,
            Redemption.till_id,
            Voucher.resident_id,
            Voucher.device_hash,
            Redemption.redeemed_at,
        )
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .where(Redemption.id == redemption_id, _COUNTS)
    ).one_or_none()
    if row is None:
        return None
    id_, season_id, merchant_id, store_id, till_id, resident_id, device_hash, redeemed_at = row
    return Subject(
        id_, season_id, merchant_id, store_id, till_id, resident_id, device_hash, redeemed_at
    )


def gather(session: Session, subject: Subject) -> Signals:
    """What the rules need about this redemption."""
    opens, closes = session.execute(
        select(Store.opens, Store.closes).where(Store.id == subject.store_id)
    ).one()
    return Signals(
        orders=_recent_orders(session, subject),
        till_burst=_till_burst(session, subject),
        same_device=_same_device(session, subject),
        same_resident=_same_resident(session, subject),
        opens=opens,
        closes=closes,
        local_time=subject.redeemed_at.astimezone(LOCAL_ZONE).time(),
    )


_COUNTS = Redemption.state == RedemptionState.REDEEMED


def _recent_orders(session: Session, subject: Subject) -> list[OrderSeen]:
    rows = session.execute(
        select(
            Redemption.id,
            Order.order_fen,
            Order.after_discount_fen,
            Campaign.threshold_basis,
            Campaign.threshold_fen,
            Redemption.redeemed_at,
            Voucher.claimed_at,
            Redemption.channel,
        )
        .join(Order, Order.id == Redemption.order_id)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(
            Redemption.merchant_id == subject.merchant_id,
            Redemption.store_id == subject.store_id,
            tuple_(Redemption.redeemed_at, Redemption.id)
            <= (subject.redeemed_at, subject.redemption_id),
            _COUNTS,
        )
        .order_by(Redemption.redeemed_at.desc(), Redemption.id.desc())
        .limit(RECENT_ORDERS)
    )
    return [
        OrderSeen(
            redemption_id=id_,
            basis_fen=order_fen if basis == ThresholdBasis.BEFORE else after_discount_fen,
            threshold_fen=threshold_fen,
            claim_to_use_s=int((redeemed_at - claimed_at).total_seconds()),
            channel=Channel(channel),
        )
        for (
            id_,
            order_fen,
            after_discount_fen,
            basis,
            threshold_fen,
            redeemed_at,
            claimed_at,
            channel,
        ) in rows
    ]


def _till_burst(session: Session, subject: Subject) -> list[UUID]:
    if subject.till_id is None:
        return []
    return list(
        session.scalars(
            select(Redemption.id).where(
                Redemption.till_id == subject.till_id, *_within(subject, BURST_WINDOW_S)
            )
        )
    )


def _same_device(session: Session, subject: Subject) -> dict[UUID, UUID]:
    if subject.device_hash is None:
        return {}
    # Devices have no index, claims being too many to keep one; a merchant's day is small enough.
    day = (
        select(Redemption.id, Redemption.voucher_id)
        .where(Redemption.merchant_id == subject.merchant_id, *_within(subject, RELATED_WINDOW_S))
        .cte("day")
        .prefix_with("MATERIALIZED")
    )
    rows = session.execute(
        select(day.c.id, Voucher.resident_id)
        .join(Voucher, Voucher.id == day.c.voucher_id)
        .where(Voucher.device_hash == subject.device_hash)
    )
    return dict(rows.all())


def _same_resident(session: Session, subject: Subject) -> list[UUID]:
    return list(
        session.scalars(
            select(Redemption.id)
            .join(Voucher, Voucher.id == Redemption.voucher_id)
            .where(
                Voucher.resident_id == subject.resident_id,
                Redemption.merchant_id == subject.merchant_id,
                *_within(subject, RELATED_WINDOW_S),
            )
        )
    )


def _within(subject: Subject, window_s: int) -> tuple[ColumnElement[bool], ...]:
    """What counts and happened in the seconds up to the judged redemption."""
    return (
        Redemption.redeemed_at > subject.redeemed_at - timedelta(seconds=window_s),
        Redemption.redeemed_at <= subject.redeemed_at,
        _COUNTS,
    )
