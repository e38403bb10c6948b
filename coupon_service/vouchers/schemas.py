"""Vouchers on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from coupon_service.core.schemas import Body, View
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
    """What is shown at the till: the token, until when it is good, and the digits to type.

    A token with a phone's key in it is not drawn as it is: that phone signs it into a proof every
    few seconds (docs/qr.md). While a new phone waits there is neither token nor digits.
    """

    token: str | None
    token_expires_at: datetime | None
    typed_code: str | None
    phone_key: str | None = Field(description="The bound phone's public key, hexadecimal")
    phone_usable_from: datetime | None
    server_time: datetime


class PhoneKeyBody(Body):
    """The public half of the key that a phone made: SEC 1, compressed, hexadecimal."""

    public_key: Annotated[str, StringConstraints(strict=True, pattern=r"^0[23][0-9a-f]{64}$")]
    replace: bool = Field(default=False, strict=True, description="Take the place of another phone")


class PhoneKeyView(View):
    """The bound phone. One that took another's place is usable only after a cool-down."""

    public_key: str
    bound_at: datetime
    usable_from: datetime
    server_time: datetime


class PublicKey(View):
    kid: int
    public_key: str  # SEC 1, compressed, hexadecimal


class KeyList(View):
    algorithm: str
    keys: list[PublicKey]
