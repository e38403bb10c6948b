"""A resident's phone: a key that never leaves it, and the proofs it shows.

The layout of docs/qr.md, level 2, put together here as a phone's own program would.
"""

import struct
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from coupon_service.vouchers import base32

_VERSION = b"\x02"
_DOMAIN = b"coupon-voucher-proof" + _VERSION


class Phone:
    """A private key that never leaves, and what it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> bytes:
        """SEC 1, compressed."""
        return self._key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def prove(self, voucher_id: UUID, token: str, shown_at_s: int) -> str:
        """The code this phone shows for a token at a Unix second, which is its counter too."""
        raw = base32.decode(token)
        moment = struct.pack(">II", shown_at_s, shown_at_s)
        message = _DOMAIN + voucher_id.bytes + moment + sha256(raw).digest()
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return base32.encode(_VERSION + raw + moment + r.to_bytes(32) + s.to_bytes(32))
