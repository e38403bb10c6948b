"""Whether a voucher pays part of an order, here and now, and how much. Pure."""

from dataclasses import replace
from datetime import datetime

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order, Unusable, discount_fen, unusable_at
from coupon_service.vouchers.models import Voucher, VoucherState
from merchants.models import MerchantState
from merchants.queries import place_of
from redemption.errors import (
    UNUSABLE_ERRORS,
    BelowThresholdError,
    MerchantNotActiveError,
    VoucherExpiredError,
    VoucherNotUsableError,
    VoucherNotYetValidError,
    VoucherUsedError,
    VoucherVoidError,
)
from redemption.queries import Presented
from redemption.showing import check_showing
from redemption.verify import Scan


def judge(
    presented: Presented,
    order: Order,
    channel: Channel,
    *,
    scan: Scan | None,
    now: datetime,
) -> int:
    """What the voucher takes off the order, in fen. `scan` is how it was shown, if anybody did.

    What the cashier can least change is said first: that the voucher is used up matters more than
    that the order is too small for it. The voucher's state may have changed since it was read;
    the UPDATE that uses it decides.

    Raises:
        MerchantNotActiveError: the merchant is suspended.
        ProblemError: `check_showing` refuses the code.
        VoucherNotUsableError: the subclass says why.
    """
    if presented.store.merchant.state != MerchantState.ACTIVE:
        raise MerchantNotActiveError
    check_showing(presented, scan, now=now)
    place = replace(place_of(presented.store), channel=channel)
    voucher, campaign = presented.voucher, presented.voucher.release.campaign
    if (spoilt := why_spoilt(voucher, now)) is not None:
        raise spoilt
    if (unusable := unusable_at(campaign, place)) is not None:
        raise UNUSABLE_ERRORS[unusable]
    taken_off = discount_fen(campaign, order)
    if taken_off is Unusable.BELOW_THRESHOLD:
        raise BelowThresholdError(threshold_fen=campaign.threshold_fen)
    if isinstance(taken_off, Unusable):
        raise UNUSABLE_ERRORS[taken_off]
    return taken_off


def why_spoilt(voucher: Voucher, now: datetime) -> VoucherNotUsableError | None:
    """Why the voucher cannot pay for anything at this moment, or None."""
    match VoucherState(voucher.state):
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
