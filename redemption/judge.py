"""Whether vouchers pay part of an order, here and now, and how much. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from coupon_service.campaigns.combine import Candidate, WhyNot, combine
from coupon_service.campaigns.hours import Hours
from coupon_service.campaigns.models import Campaign, Channel
from coupon_service.campaigns.terms import Order, unusable_at, unusable_when
from coupon_service.core.errors import ProblemError
from coupon_service.vouchers.models import VoucherState
from redemption.errors import (
    UNUSABLE_ERRORS,
    SlotFullError,
    VoucherExpiredError,
    VoucherNotUsableError,
    VoucherNotYetValidError,
    VoucherUsedError,
    VoucherVoidError,
)
from redemption.present import Presented, ShownVoucher
from redemption.showing import check_showing
from redemption.slots.places import Places, StoreSlot

Verdict = int | ProblemError


def judge(
    presented: Presented, order: Order, channel: Channel, *, places: Places
) -> Sequence[Verdict]:
    """What each voucher takes off the order, in fen, or why it takes off nothing.

    What the cashier can least change is said first: that a voucher is used up matters more than
    that the order is too small for it. What cannot be used leaves the order to the others. `places`
    are those of this moment.
    """
    now = places.now
    refusals: dict[UUID, ProblemError] = {}
    for voucher in presented.vouchers:
        if (refusal := _why_not_here(presented, voucher, channel, now)) is not None:
            refusals[voucher.id] = refusal
    shown = {one.id: one for one in presented.vouchers if one.id not in refusals}
    refusals |= _without_place(presented, list(shown.values()), places)
    usable = [voucher for voucher in shown.values() if voucher.id not in refusals]
    candidates = [Candidate(one.id, one.terms.campaign, one.expires_at) for one in usable]
    taken_off = dict(zip((one.id for one in usable), combine(candidates, order), strict=True))
    verdicts: list[Verdict] = []
    for voucher in presented.vouchers:
        # A voucher pays once, so one that is shown twice is used by then.
        found = taken_off.pop(voucher.id, None) or refusals.get(voucher.id) or VoucherUsedError()
        verdicts.append(
            UNUSABLE_ERRORS[found.reason](**found.facts) if isinstance(found, WhyNot) else found
        )
    return verdicts


def _why_not_here(
    presented: Presented, voucher: ShownVoucher, channel: Channel, now: datetime
) -> ProblemError | None:
    if (refusal := check_showing(voucher, now=now)) is not None:
        return refusal
    if (spoilt := why_spoilt(voucher, now)) is not None:
        return spoilt
    campaign = voucher.terms.campaign
    place = replace(presented.counter.place, channel=channel)
    if (elsewhere := unusable_at(campaign, place)) is not None:
        return UNUSABLE_ERRORS[elsewhere]()
    if (later := unusable_when(campaign, now)) is not None:
        return UNUSABLE_ERRORS[later](**_usable_from(voucher, now))
    return None


def _without_place(
    presented: Presented, vouchers: Sequence[ShownVoucher], places: Places
) -> dict[UUID, SlotFullError]:
    """Those that find no place in their slot; what expires first gets the last one."""
    wanted: dict[StoreSlot, list[ShownVoucher]] = {}
    for voucher in vouchers:
        slot = places.slot(voucher.terms.campaign, presented.counter.store_id)
        if slot is not None:
            wanted.setdefault(slot, []).append(voucher)
    return {
        voucher.id: SlotFullError(**_usable_from(voucher, slot.slot.ends_at))
        for slot, those in wanted.items()
        for voucher in sorted(those, key=lambda one: (one.expires_at, one.id))[places.left(slot) :]
    }


def _usable_from(voucher: ShownVoucher, earliest: datetime) -> dict[str, Any]:
    """When the voucher works next, from a moment on; nothing if it has expired by then."""
    next_open = _next_open(voucher.terms.campaign, earliest)
    return {"usable_from": next_open.isoformat()} if next_open < voucher.expires_at else {}


def _next_open(campaign: Campaign, earliest: datetime) -> datetime:
    hours = Hours.of(campaign.scope)
    return earliest if hours is None else hours.next_open(earliest)


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
