"""The challenge: a large voucher wants to be shown by a phone whose holder hears the till.

Whoever passes a changing code on as it is shown could pay with it elsewhere within its half minute.
So an order with a large voucher is answered with a number of four digits. The cashier says it, the
holder types it, and only a code that is signed together with it pays.

The number follows from the till, the order, the voucher and the time, under a key of the service's:
nothing is kept, any process can judge it, and asking again gives the same one for a while.

Who shows a large voucher without a phone's signature is asked for the end of the identity number
instead, as with a paper voucher. Of each voucher that goes wrong `IDENTITY_TRIES_PER_DAY` times.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from coupon_service.core.errors import ProblemError
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import resources
from coupon_service.residents.personal_data import unseal
from coupon_service.vouchers.errors import SecondCheckNeededError, SecondCheckWrongError
from coupon_service.vouchers.paper import SECOND_CHECK_CHARS
from coupon_service.vouchers.proof import CHALLENGE_MAX
from redemption.errors import (
    ChallengeNeededError,
    ChallengeWrongError,
    IdentityCheckLockedError,
    ProofNeededError,
)
from redemption.limits import Limit, limits
from redemption.present import At, ShownVoucher
from redemption.verify import Way

# A number is good until this long after it was said, and up to one step longer.
GOOD_FOR_S = 60
IDENTITY_TRIES_PER_DAY = 5
_STEP_S = 30
_DIGITS = len(str(CHALLENGE_MAX))
_DAY_S = 86_400
_EXTENSION = "redemption.challenge_key"


def check_large(
    session: Session, at: At, order_no: str, voucher: ShownVoucher, *, now: datetime
) -> ProblemError | None:
    """Why a voucher that could pay has to be shown once more because of its face, or None.

    - `ChallengeNeededError`, `ChallengeWrongError`: with `challenge`, the number to be said.
    - `SecondCheckNeededError`, `SecondCheckWrongError`, `IdentityCheckLockedError`.
    - `ProofNeededError`: it was shown without a phone, and its holder's identity is not known.
    """
    scan = voucher.showing.scan
    if scan is None or voucher.terms.campaign.face_fen < resources().settings.challenge_from_fen:
        return None
    match scan.way:
        case Way.PROOF:
            return _check_answer(scan.challenge, good_numbers(at, order_no, voucher.id, now))
        case Way.TOKEN | Way.DIGITS:
            return _check_identity(session, voucher)
        case Way.PAPER:
            return None  # the sheet has been asked for the same, whatever its face


def good_numbers(at: At, order_no: str, voucher_id: UUID, now: datetime) -> list[int]:
    """The numbers that may be answered: the one to be said now, and those said a moment ago."""
    step = int(now.timestamp()) // _STEP_S
    steps = range(step, step - GOOD_FOR_S // _STEP_S - 1, -1)
    about = f"{at.till_id}|{order_no}|{voucher_id}"
    digests = (hmac.digest(_key(), f"{about}|{one}".encode(), sha256) for one in steps)
    return [int.from_bytes(digest[:8]) % (CHALLENGE_MAX + 1) for digest in digests]


def _check_answer(answer: int | None, good: Sequence[int]) -> ProblemError | None:
    if answer in good:
        return None
    refusal = ChallengeNeededError if answer is None else ChallengeWrongError
    return refusal(challenge=f"{good[0]:0{_DIGITS}d}", challenge_good_for_s=GOOD_FOR_S)


def _check_identity(session: Session, voucher: ShownVoucher) -> ProblemError | None:
    answer = voucher.showing.second_check
    if answer is None:
        return SecondCheckNeededError()
    tries = [Limit("identity-check", voucher.id.hex, IDENTITY_TRIES_PER_DAY, _DAY_S)]
    # Charged before it is judged, and given back if it was right: guesses at once gain nothing.
    (standing,) = limits().ask([tries])
    if not standing.passed:
        return IdentityCheckLockedError(retry_after_s=-(-standing.reset_ms // 1000))
    holder = unseal(session, resources().vault, voucher.resident_id)
    if holder is None or holder.id_number is None:
        limits().give_back(tries, standing)
        return ProofNeededError()
    expected = holder.id_number[-SECOND_CHECK_CHARS:].upper()
    if not hmac.compare_digest(expected.encode(), answer.upper().encode()):
        return SecondCheckWrongError()
    limits().give_back(tries, standing)
    return None


def _key() -> bytes:
    found: bytes | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        secret = resources().settings.secret_key.get_secret_value()
        found = current_app.extensions[_EXTENSION] = derive_key(secret, "till-challenge/1")
    return found
