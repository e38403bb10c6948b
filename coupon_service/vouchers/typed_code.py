"""The twelve digits a cashier types when the camera fails.

A voucher is a seat of a numbered release, so `number × 10^7 + seat` names it in at most twelve
digits. They are enciphered by a keyed permutation of all twelve-digit numbers, so that codes are
not consecutive: of 10^12 codes only as many are live as there are vouchers. The permutation is an
Feistel network over Z_1000000 × Z_1000000 (Black and Rogaway, "Ciphers with
Arbitrary Finite Domains", CT-RSA 2002), eight rounds of HMAC-SHA256.

Nothing is stored for it, and no index is needed: deciphering gives back release and seat.
"""

import hmac
from hashlib import sha256

from coupon_service.campaigns.models import RELEASE_NUMBER_MAX, SEATS_MAX

DIGITS = 12
_HALF = 10**6
_SEATS = SEATS_MAX + 1
_ROUNDS = 8


def typed_code(key: bytes, release_number: int, seat: int) -> str:
    """Twelve digits for a seat of a release."""
    left, right = divmod(release_number * _SEATS + seat, _HALF)
    for round_ in range(_ROUNDS):
        left, right = right, (left + _round(key, round_, right)) % _HALF
    return f"{left * _HALF + right:0{DIGITS}d}"


def read_typed_code(key: bytes, digits: str) -> tuple[int, int] | None:
    """Release number and seat, or None if the digits can belong to no voucher."""
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    left, right = divmod(int(digits), _HALF)
    for round_ in reversed(range(_ROUNDS)):
        left, right = (right - _round(key, round_, left)) % _HALF, left
    number, seat = divmod(left * _HALF + right, _SEATS)
    return (number, seat) if 1 <= number <= RELEASE_NUMBER_MAX and seat >= 1 else None


def _round(key: bytes, round_: int, half: int) -> int:
    digest = hmac.digest(key, bytes([round_]) + half.to_bytes(3), sha256)
    return int.from_bytes(digest[:8]) % _HALF
