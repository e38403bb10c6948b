"""Leave: a resident has their data erased, after their unused vouchers are given back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Release
from coupon_service.residents.erase import erase, leaving_with
from coupon_service.vouchers.bind_phone import unbind_phone
from coupon_service.vouchers.errors import VoucherStateError
from coupon_service.vouchers.lifecycle import void
from coupon_service.vouchers.models import VoidReason, Voucher, VoucherState


@dataclass(frozen=True)
class Farewell:
    """What leaving costs. Amount in fen.

    Attributes:
        unused: vouchers that are, or would be, void.
        dependents: others who go with the resident, because nobody else acts for them.
    """

    unused: int
    unused_fen: int
    dependents: int


def farewell(session: Session, resident_id: UUID) -> Farewell:
    """What would be lost if the resident left now."""
    leaving = leaving_with(session, resident_id)
    count, total = session.execute(
        select(func.count(), func.coalesce(func.sum(Campaign.face_fen), 0))
        .select_from(Voucher)
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Voucher.resident_id.in_(leaving), Voucher.state == VoucherState.ISSUED)
    ).one()
    return Farewell(count, int(total), max(len(leaving) - 1, 0))


def leave(session: Session, resident_id: UUID, *, now: datetime) -> None:
    """Void the unused vouchers, so that their money returns, and erase the person for good.

    Used vouchers, redemptions and the ledger keep the bare id: they are the district's accounts.
    """
    leaving = leaving_with(session, resident_id)
    for voucher_id in _unused(session, leaving):
        try:
            void(session, voucher_id, reason=VoidReason.ERASED)
        except VoucherStateError:  # a till or the expiry run was quicker
            continue
    for leaving_id in leaving:
        unbind_phone(session, leaving_id, now=now)
    erase(session, leaving, now=now)


def _unused(session: Session, resident_ids: Sequence[UUID]) -> Sequence[UUID]:
    return session.scalars(
        select(Voucher.id)
        .where(Voucher.resident_id.in_(resident_ids), Voucher.state == VoucherState.ISSUED)
        .order_by(Voucher.id)
    ).all()
