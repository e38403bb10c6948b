"""The level-1 token: the issuer's short-lived signature over what a voucher is.

Version 1, a fixed layout, integers big-endian, times in Unix seconds:

    offset  size  field
         0     1  version, 1
         1     1  key id
         2    16  voucher id
        18     4  release number
        22     4  face, fen (the cap of a percentage)
        26     4  threshold, fen
        30     4  not before
        34     4  expiry of the voucher
        38     4  expiry of this token
        42    33  the phone's public key (SEC 1, compressed), or zeros while no phone is bound
        75    64  signature over bytes 0..74: ECDSA P-256 with SHA-256, r‖s

139 bytes, written as 223 characters of Base32 (`base32.py`).

The signature proves issue, not entitlement: the database decides whether the voucher may be used.
A token with a phone's key is good for nothing by itself: that phone wraps it into a proof
(`proof.py`) every few seconds.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from coupon_service.vouchers import base32
from coupon_service.vouchers.errors import ExpiredTokenError, InvalidTokenError
from coupon_service.vouchers.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, Keyring

VERSION = 1
NO_PHONE = bytes(PUBLIC_KEY_BYTES)

_BODY = struct.Struct(f">BB16sIIIIII{PUBLIC_KEY_BYTES}s")
TOKEN_BYTES = _BODY.size + SIGNATURE_BYTES
TOKEN_CHARS = base32.chars_of(TOKEN_BYTES)


@dataclass(frozen=True)
class VoucherFacts:
    """What a token says of a voucher. Amounts in fen; times aware, to the second."""

    voucher_id: UUID
    release_number: int
    face_fen: int
    threshold_fen: int
    not_before: datetime
    expires_at: datetime
    phone_key: bytes = NO_PHONE


@dataclass(frozen=True)
class Token:
    """A token that was read and whose signature holds."""

    facts: VoucherFacts
    kid: int
    token_expires_at: datetime


def issue_token(keyring: Keyring, facts: VoucherFacts, *, now: datetime, ttl_s: int) -> str:
    """Sign the facts into `TOKEN_CHARS` characters that are good for `ttl_s` seconds."""
    signer = keyring.signer
    body = _BODY.pack(
        VERSION,
        signer.kid,
        facts.voucher_id.bytes,
        facts.release_number,
        facts.face_fen,
        facts.threshold_fen,
        _seconds(facts.not_before),
        _seconds(facts.expires_at),
        _seconds(now + timedelta(seconds=ttl_s)),
        facts.phone_key,
    )
    return base32.encode(body + signer.sign(body))


def read_token(keyring: Keyring, text: str, *, now: datetime) -> Token:
    """Read and verify a scanned token. Pure: no database, bounded work whatever the text.

    Raises:
        InvalidTokenError: not a token, or not signed by a key in use.
        ExpiredTokenError: genuine, but its own expiry has passed.
    """
    if len(text) != TOKEN_CHARS:
        raise InvalidTokenError
    token = token_of(keyring, base32.decode(text))
    if token.token_expires_at <= now:
        raise ExpiredTokenError
    return token


def token_of(keyring: Keyring, raw: bytes) -> Token:
    """The token in these bytes, whose signature holds; its own expiry is not looked at.

    Raises:
        InvalidTokenError: not a token, or not signed by a key in use.
    """
    if len(raw) != TOKEN_BYTES:
        raise InvalidTokenError
    body, signature = raw[: _BODY.size], raw[_BODY.size :]
    version, kid, voucher, number, face, threshold, start, end, until, phone = _BODY.unpack(body)
    if version != VERSION or not keyring.verifies(kid, body, signature):
        raise InvalidTokenError
    facts = VoucherFacts(
        UUID(bytes=voucher), number, face, threshold, _moment(start), _moment(end), phone
    )
    return Token(facts, kid, _moment(until))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
