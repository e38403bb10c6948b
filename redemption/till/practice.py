"""Practice: the answers a till gives, without a voucher and without a trace. Pure.

A practice code is a word that stands for itself. No key ever signs it, so at a real counter it is
no code at all; and a real code is none here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from coupon_service.campaigns.models import Campaign, ThresholdBasis
from coupon_service.campaigns.terms import Order, Unusable, discount_fen
from redemption.errors import (
    UNUSABLE_ERRORS,
    BelowThresholdError,
    CodeNotRecognisedError,
    VoucherExpiredError,
    VoucherUsedError,
)

FACE_FEN = 20_00
THRESHOLD_FEN = 50_00
_TERMS = Campaign(
    face_fen=FACE_FEN,
    threshold_fen=THRESHOLD_FEN,
    threshold_basis=ThresholdBasis.BEFORE,
    min_pay_fen=1,
)
_IGNORED = str.maketrans("", "", " -\t\r\n")


class PracticeCode(StrEnum):
    """What the practice QR codes say; letters of Base32 only, as scanners expect of a voucher."""

    GOOD = "PRACTICEGOOD"
    USED = "PRACTICEUSED"
    EXPIRED = "PRACTICEEXPIRED"


_SPOILT: Mapping[str, type[VoucherUsedError | VoucherExpiredError]] = {
    PracticeCode.USED: VoucherUsedError,
    PracticeCode.EXPIRED: VoucherExpiredError,
}


@dataclass(frozen=True)
class Practised:
    """What a yes says. Amounts in fen."""

    order_fen: int
    discount_fen: int

    @property
    def customer_pays_fen(self) -> int:
        return self.order_fen - self.discount_fen


def practise(code: str, order_fen: int) -> Practised:
    """What the till would say to a voucher of 20 yuan off 50.

    Raises:
        CodeNotRecognisedError: it is no practice code.
        VoucherUsedError, VoucherExpiredError: the code is for learning that.
        BelowThresholdError: the order is below 50 yuan.
    """
    said = code.translate(_IGNORED).upper()
    if said in _SPOILT:
        raise _SPOILT[said]
    if said != PracticeCode.GOOD:
        raise CodeNotRecognisedError
    taken_off = discount_fen(_TERMS, Order(order_fen, order_fen))
    if taken_off is Unusable.BELOW_THRESHOLD:
        raise BelowThresholdError(threshold_fen=THRESHOLD_FEN)
    if isinstance(taken_off, Unusable):
        raise UNUSABLE_ERRORS[taken_off]
    return Practised(order_fen, taken_off)
