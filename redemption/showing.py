"""Whether what was shown may stand for the voucher: fresh, from the right phone, not used. Pure."""

from datetime import datetime

from coupon_service.vouchers.errors import (
    ExpiredTokenError,
    PaperReplacedError,
    PhoneCoolingDownError,
)
from coupon_service.vouchers.models import PhoneKey
from redemption.errors import (
    PhoneClockOffError,
    PhoneReplacedError,
    ProofNeededError,
    ProofUsedError,
)
from redemption.queries import Presented
from redemption.verify import Scan, Way


def check_showing(presented: Presented, scan: Scan | None, *, now: datetime) -> None:
    """Refuse a code that is genuine and yet may not be used.

    Without a scan the holder orders by being signed in, as at a virtual store.

    Raises:
        ExpiredTokenError: drawn too long ago: a screenshot, or a phone that slept.
        PhoneClockOffError: drawn in the future.
        ProofNeededError: the holder's phone is bound, and this is not its changing code.
        PhoneReplacedError: another phone is bound by now.
        PhoneCoolingDownError: the phone was changed a moment ago.
        ProofUsedError: an order was paid with this code, or a later one, before.
        PaperReplacedError: a newer sheet was printed.
    """
    if scan is None:
        _check_cooled_down(presented.phone, now)
        return
    if scan.good_until is not None and scan.good_until <= now:
        raise ExpiredTokenError
    if scan.good_from is not None and scan.good_from > now:
        raise PhoneClockOffError
    match scan.way:
        case Way.PAPER:
            paper = presented.paper
            if paper is None or paper.serial != scan.paper_serial:
                raise PaperReplacedError
        case Way.PROOF:
            _check_proof(presented, scan, now)
        case Way.TOKEN | Way.DIGITS:
            _check_unproven(presented, scan, now)


def _check_proof(presented: Presented, scan: Scan, now: datetime) -> None:
    if presented.shown_on is None:
        raise PhoneReplacedError
    _check_cooled_down(presented.shown_on, now)
    last = presented.last_proof_counter
    if last is not None and scan.proof_counter is not None and scan.proof_counter <= last:
        raise ProofUsedError


def _check_unproven(presented: Presented, scan: Scan, now: datetime) -> None:
    """A plain token is for those without a bound phone; digits are for everybody."""
    _check_cooled_down(presented.phone, now)
    if scan.way is Way.TOKEN and (presented.phone is not None or scan.phone_key is not None):
        raise ProofNeededError


def _check_cooled_down(phone: PhoneKey | None, now: datetime) -> None:
    if phone is not None and phone.usable_from > now:
        raise PhoneCoolingDownError
