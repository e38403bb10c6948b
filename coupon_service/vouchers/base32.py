"""Base32 (RFC 4648) without padding: the letters of every scanned code.

Upper case and digits are what a QR code stores in its alphanumeric mode and what a scanner that
types can type.
"""

import base64
import re

from coupon_service.vouchers.errors import InvalidTokenError

_DIGITS = re.compile("[A-Z2-7]*")
# From the alphabet of RFC 4648, section 6, to the one `int` reads.
_AS_INT = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHIJKLMNOPQRSTUV")


def chars_of(size_bytes: int) -> int:
    """How many characters so many bytes are written in."""
    return -(-size_bytes * 8 // 5)


def encode(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The bytes of a text in its one canonical spelling.

    Raises:
        InvalidTokenError: another alphabet or length, or spare bits at the end that are not zero;
            otherwise one code could be written in several ways.
    """
    spare_bits = 5 * len(text) % 8
    if spare_bits >= 5 or _DIGITS.fullmatch(text) is None:
        raise InvalidTokenError
    # As a number, because the library's function works letter by letter.
    number = int(text.translate(_AS_INT) or "0", 32)
    if number & ((1 << spare_bits) - 1):
        raise InvalidTokenError
    return (number >> spare_bits).to_bytes(5 * len(text) // 8)
