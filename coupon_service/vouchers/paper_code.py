"""The code on a paper voucher: the issuer's signature over which sheet of which voucher it is.

Version 3, a fixed layout, integers big-endian, time in Unix seconds:

    offset  size  field
         0     1  version, 3
         1     1  key id
         2    16  voucher id
        18     2  serial of the sheet: a new sheet makes the old one worthless
        20     4  expiry of the voucher
        24    64  signature over bytes 0..23: ECDSA P-256 with SHA-256, r‖s

88 bytes, written as 141 characters of Base32. It does not change, so whoever copies the sheet has
the code: a till therefore asks for the end of the holder's identity number (`paper.py`).
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from coupon_service.vouchers import base32
from coupon_service.vouchers.errors import InvalidTokenError
from coupon_service.vouchers.keys import SIGNATURE_BYTES, Keyring

VERSION = 3
SERIAL_MAX = 2**16 - 1

_BODY = struct.Struct(">BB16sHI")
PAPER_BYTES = _BODY.size + SIGNATURE_BYTES
PAPER_CHARS = base32.chars_of(PAPER_BYTES)


@dataclass(frozen=True)
class PaperCode:
    """A paper voucher's code that was read and whose signature holds."""

    voucher_id: UUID
    serial: int
    expires_at: datetime


def issue_paper_code(keyring: Keyring, code: PaperCode) -> str:
    """Sign a sheet into `PAPER_CHARS` characters."""
    signer = keyring.signer
    body = _BODY.pack(
        VERSION,
        signer.kid,
        code.voucher_id.bytes,
        code.serial,
        int(code.expires_at.timestamp()),
    )
    return base32.encode(body + signer.sign(body))


def paper_code_of(keyring: Keyring, raw: bytes) -> PaperCode:
    """The paper voucher's code in these bytes. Pure.

    Raises:
        InvalidTokenError: not such a code, or not signed by a key in use.
    """
    if len(raw) != PAPER_BYTES:
        raise InvalidTokenError
    body, signature = raw[: _BODY.size], raw[_BODY.size :]
    version, kid, voucher, serial, expires_at_s = _BODY.unpack(body)
    if version != VERSION or not keyring.verifies(kid, body, signature):
        raise InvalidTokenError
    return PaperCode(UUID(bytes=voucher), serial, datetime.fromtimestamp(expires_at_s, UTC))
