"""Base32 (RFC 4648) without padding: the letters of every scanned code.

Upper case and digits are what a QR code stores in its alphanumeric mode and what a scanner that
types can type.
"""

import base64
import binascii

from coupon_service.vouchers.errors import InvalidTokenError


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
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise InvalidTokenError from None
    if encode(raw) != text:
        raise InvalidTokenError
    return raw
