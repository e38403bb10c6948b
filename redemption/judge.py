"""Whether vouchers pay part of an order, here and now, and how much. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order, Unusable, discounts_fen, unusable_at
from coupon_service.core.errors import ProblemError
from coupon_service.vouchers.models import VoucherState
from redemption.errors import (
    UNUSABLE_ERRORS,
    BelowThresholdError,
    VoucherExpiredError,
    VoucherNotUsableError,
    VoucherNotYetValidError,
    VoucherUsedError,
    VoucherVoidError,
)
from redemption.present import Presented, ShownVoucher
from redemption.showing import check_showing

Verdict = int | ProblemError


def judge(
    presented: Presented, order: Order, channel: Channel, *, now: datetime
) -> Sequence[Verdict]:
    """What each voucher takes off the order, in fen, or why it takes off nothing.

    What the cashier can least change is said first: that a voucher is used up matters more than
    that the order is too small for it. What cannot be used leaves the order to the others.
    """
    spoilt = [_why_not_here(presented, voucher, channel, now) for voucher in presented.vouchers]
    usable = [
        voucher for voucher, why in zip(presented.vouchers, spoilt, strict=True) if why is None
    ]
    taken_off = iter(discounts_fen([voucher.terms.campaign for voucher in usable], order))
    return [
        _verdict(voucher, next(taken_off)) if why is None else why
        for voucher, why in zip(presented.vouchers, spoilt, strict=True)
    ]


def _why_not_here(
    presented: Presented, voucher: ShownVoucher, channel: Channel, now: datetime
) -> ProblemError | None:
    if (refusal := check_showing(voucher, now=now)) is not None:
        return refusal
    if (spoilt := why_spoilt(voucher, now)) is not None:
        return spoilt
    place = replace(presented.counter.place, channel=channel)
    unusable = unusable_at(voucher.terms.campaign, place)
    return None if unusable is None else UNUSABLE_ERRORS[unusable]()


def _verdict(voucher: ShownVoucher, taken_off: int | Unusable) -> Verdict:
    if taken_off is Unusable.BELOW_THRESHOLD:
        return BelowThresholdError(threshold_fen=voucher.terms.campaign.threshold_fen)
    if isinstance(taken_off, Unusable):
        return UNUSABLE_ERRORS[taken_off]()
    return taken_off


def why_spoilt(voucher: ShownVoucher, now: datetime) -> VoucherNotUsableError | None:
    """Why the voucher cannot pay for anything at this moment, or None."""
    match voucher.state:
        case VoucherState.REDEEMED:
            return VoucherUsedError()
        case VoucherState.VOID:
            return VoucherVoidError()
        case VoucherState.EXPIRED:
            return VoucherExpiredError()
        case VoucherState.ISSUED:
            pass
    if voucher.expires_at <= now:
        return VoucherExpiredError()
    if voucher.valid_from > now:
        return VoucherNotYetValidError(valid_from=voucher.valid_from.isoformat())
    return None
