"""Shared reads of vouchers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.models import Campaign, Release
from coupon_service.residents.household import may_act_for
from coupon_service.vouchers.errors import VoucherNotFoundError
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.token import VoucherFacts

WALLET_MAX = 200


def _with_terms() -> Select[Voucher]:
    return select(Voucher).options(
        joinedload(Voucher.release)
        .joinedload(Release.campaign)
        .options(joinedload(Campaign.node), joinedload(Campaign.season))
    )


# Put together once: building them at each request takes longer than running them.
_BY_ID = _with_terms().where(Voucher.id == bindparam("voucher_id"))
_BY_SEAT = (
    _with_terms()
    .join(Release, Release.id == Voucher.release_id)
    .where(Release.number == bindparam("number"), Voucher.seat == bindparam("seat"))
)


def wallet(session: Session, resident_id: UUID) -> Sequence[Voucher]:
    """A resident's vouchers with release, campaign and season, newest first."""
    return session.scalars(
        _with_terms()
        .where(Voucher.resident_id == resident_id)
        .order_by(Voucher.claimed_at.desc(), Voucher.id.desc())
        .limit(WALLET_MAX)
    ).all()


def own_voucher(session: Session, viewer_id: UUID, voucher_id: UUID) -> Voucher:
    """A voucher of this resident, or of somebody they may act for.

    Anybody else's is as unknown as one that does not exist.

    Raises:
        VoucherNotFoundError
    """
    voucher = voucher_with_terms(session, voucher_id)
    if voucher is None:
        raise VoucherNotFoundError
    if voucher.resident_id != viewer_id and not may_act_for(
        session, viewer_id, voucher.resident_id
    ):
        raise VoucherNotFoundError
    return voucher


def voucher_with_terms(session: Session, voucher_id: UUID) -> Voucher | None:
    """Any voucher with its terms, for a till."""
    return session.scalars(_BY_ID, {"voucher_id": voucher_id}).one_or_none()


def voucher_at_seat(session: Session, release_number: int, seat: int) -> Voucher | None:
    """The voucher in a seat, for a typed code."""
    return session.scalars(_BY_SEAT, {"number": release_number, "seat": seat}).one_or_none()


def facts_of(voucher: Voucher) -> VoucherFacts:
    """What a token says of this voucher, whose terms are loaded."""
    campaign = voucher.release.campaign
    return VoucherFacts(
        voucher_id=voucher.id,
        release_number=voucher.release.number,
        face_fen=campaign.face_fen,
        threshold_fen=campaign.threshold_fen,
        not_before=voucher.valid_from,
        expires_at=voucher.expires_at,
    )
