"""The offline record: one redemption that a till's browser accepted by itself, in signed bytes.

Version 1, integers big-endian:

    offset  size  field
         0     1  version, 1
         1    16  device id
        17    16  lease id
        33     4  place in the device's chain, from 1
        37    32  SHA-256 of the record before; zeros for the first
        69     8  when it was accepted, Unix milliseconds by the service's clock
        77     8  order, fen
        85     8  order after the merchant's own discount, fen
        93     8  discount, fen
       101   212  the level-2 code that was shown
       313  1-64  order number, ASCII, to the end

The device signs `"coupon-offline-record" ‖ 0x01 ‖ record`: ECDSA P-256 with SHA-256, raw r‖s.
"""

import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from coupon_service.core.money import MAX_FEN
from coupon_service.vouchers.keys import load_public_key, signed
from coupon_service.vouchers.proof import PROOF_BYTES
from redemption.offline.errors import OfflineRecordInvalidError

VERSION = 1
NO_HASH = bytes(32)
_DOMAIN = b"coupon-offline-record" + bytes([VERSION])
_LAYOUT = struct.Struct(f">B16s16sI32sQQQQ{PROOF_BYTES}s")
_ORDER_NO = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
RECORD_BYTES_MAX = _LAYOUT.size + 64
_EPOCH = datetime.fromtimestamp(0, UTC)
# The year 9999, which is as far as a datetime goes.
_MOMENT_MS_MAX = 253_402_300_799_999


@dataclass(frozen=True)
class Record:
    """A record that was read and whose signature holds. Amounts in fen."""

    device_id: UUID
    lease_id: UUID
    seq: int
    before: bytes
    accepted_at: datetime
    order_fen: int
    after_discount_fen: int
    discount_fen: int
    code: bytes
    order_no: str
    body: bytes
    signature: bytes

    @property
    def hash(self) -> bytes:
        return sha256(self.body).digest()


def read_record(body: bytes, signature: bytes, *, device_id: UUID, public_key: bytes) -> Record:
    """Read a record and verify that this device signed it. Pure.

    Raises:
        OfflineRecordInvalidError: no record, another device's, or not as it was signed.
    """
    if not _LAYOUT.size < len(body) <= RECORD_BYTES_MAX or body[0] != VERSION:
        raise OfflineRecordInvalidError
    if not signed(load_public_key(public_key), _DOMAIN + body, signature):
        raise OfflineRecordInvalidError
    _, device, lease, seq, before, at_ms, order, after, discount, code = _LAYOUT.unpack_from(body)
    order_no = body[_LAYOUT.size :]
    if (
        device != device_id.bytes
        or not seq
        or not _ORDER_NO.fullmatch(order_no)
        or not 0 < discount <= after <= order <= MAX_FEN
        or at_ms > _MOMENT_MS_MAX
    ):
        raise OfflineRecordInvalidError
    return Record(
        device_id=device_id,
        lease_id=UUID(bytes=lease),
        seq=seq,
        before=before,
        accepted_at=_EPOCH + timedelta(milliseconds=at_ms),
        order_fen=order,
        after_discount_fen=after,
        discount_fen=discount,
        code=code,
        order_no=order_no.decode(),
        body=body,
        signature=signature,
    )
