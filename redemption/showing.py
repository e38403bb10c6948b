"""Whether what was shown may stand for the voucher: fresh, from the right phone, not used. Pure."""

from datetime import datetime

from coupon_service.core.errors import ProblemError
from coupon_service.vouchers.errors import (
    ExpiredTokenError,
    PaperReplacedError,
    PhoneCoolingDownError,
)
from redemption.errors import (
    PhoneClockOffError,
    PhoneReplacedError,
    ProofNeededError,
    ProofUsedError,
)
from redemption.present import Phone, ShownVoucher
from redemption.verify import Scan, Way


def check_showing(voucher: ShownVoucher, *, now: datetime) -> ProblemError | None:
    """Why a genuine code may not be used all the same, or None.

    Without a scan the holder orders by being signed in, as at a virtual store.

    - `ExpiredTokenError`: drawn too long ago: a screenshot, or a phone that slept.
    - `PhoneClockOffError`: drawn in the future.
    - `ProofNeededError`: the holder's phone is bound, and this is not its changing code.
    - `PhoneReplacedError`: another phone is bound by now.
    - `PhoneCoolingDownError`: the phone was changed a moment ago.
    - `ProofUsedError`: an order was paid with this code, or a later one, before.
    - `PaperReplacedError`: a newer sheet was printed.
    """
    scan = voucher.showing.scan
    if scan is None:
        return _cooling_down(voucher.phone, now)
    if scan.good_until is not None and scan.good_until <= now:
        return ExpiredTokenError()
    if scan.good_from is not None and scan.good_from > now:
        return PhoneClockOffError()
    match scan.way:
        case Way.PAPER:
            return None if voucher.paper_serial == scan.paper_serial else PaperReplacedError()
        case Way.PROOF:
            return _check_proof(voucher, scan, now)
        case Way.TOKEN | Way.DIGITS:
            return _check_unproven(voucher, scan, now)


def _check_proof(voucher: ShownVoucher, scan: Scan, now: datetime) -> ProblemError | None:
    if voucher.shown_on is None:
        return PhoneReplacedError()
    if (cooling := _cooling_down(voucher.shown_on, now)) is not None:
        return cooling
    last = voucher.last_proof_counter
    if last is not None and scan.proof_counter is not None and scan.proof_counter <= last:
        return ProofUsedError()
    return None


def _check_unproven(voucher: ShownVoucher, scan: Scan, now: datetime) -> ProblemError | None:
    """A plain token is for those without a bound phone; digits are for everybody."""
    if (cooling := _cooling_down(voucher.phone, now)) is not None:
        return cooling
    if scan.way is Way.TOKEN and (voucher.phone is not None or scan.phone_key is not None):
        return ProofNeededError()
    return None


def _cooling_down(phone: Phone | None, now: datetime) -> ProblemError | None:
    if phone is not None and phone.usable_from > now:
        return PhoneCoolingDownError()
    return None
