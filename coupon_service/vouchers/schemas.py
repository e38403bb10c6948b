"""Vouchers on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from coupon_service.core.schemas import View
from coupon_service.vouchers.models import Voucher


class VoucherView(View):
    """A voucher of the signed-in resident. Amounts in fen, rates in basis points."""

    voucher_id: UUID
    release_id: UUID
    seat: int
    ordinal: int
    state: str
    campaign: str
    face_fen: int
    rate_bp: int | None
    threshold_fen: int
    claimed_at: datetime
    valid_from: datetime
    expires_at: datetime
    redeemed_at: datetime | None

    @classmethod
    def of(cls, voucher: Voucher) -> Self:
        campaign = voucher.release.campaign
        return cls(
            voucher_id=voucher.id,
            release_id=voucher.release_id,
            seat=voucher.seat,
            ordinal=voucher.ordinal,
            state=voucher.state,
            campaign=campaign.name,
            face_fen=campaign.face_fen,
            rate_bp=campaign.rate_bp,
            threshold_fen=campaign.threshold_fen,
            claimed_at=voucher.claimed_at,
            valid_from=voucher.valid_from,
            expires_at=voucher.expires_at,
            redeemed_at=voucher.redeemed_at,
        )


class VoucherList(View):
    vouchers: list[VoucherView]


class ShownVoucher(VoucherView):
    """What is shown at the till: the token to draw, until when, and the digits to type."""

    token: str
    token_expires_at: datetime
    typed_code: str


class PublicKey(View):
    kid: int
    public_key: str  # SEC 1, compressed, hexadecimal


class KeyList(View):
    algorithm: str
    keys: list[PublicKey]
