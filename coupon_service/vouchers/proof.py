"""The level-2 code: a phone's proof that it holds the key in a level-1 token, at this moment.

Version 2, a fixed layout, integers big-endian, time in Unix seconds:

    offset  size  field
         0     1  version, 2
         1   139  a level-1 token that carries the phone's public key
       140     4  when it is shown
       144     4  counter
       148    64  the phone's signature: ECDSA P-256 with SHA-256, r‖s

212 bytes, written as 340 characters of Base32. The phone signs

    "coupon-voucher-proof" ‖ 0x02 ‖ voucher id (16) ‖ time (4) ‖ counter (4) ‖ SHA-256(token) (32)

Version 4 answers a till's challenge, a number of four digits, as well:

    offset  size  field
         0     1  version, 4
         1   147  token, time and counter as above
       148     2  the number
       150    64  the phone's signature

214 bytes, 343 characters. What is signed has 0x04 for 0x02, and the number behind the counter.

The counter never goes back: a phone takes the greater of its last one plus one and the present Unix
second, so that it still rises when a phone has forgotten it. A redemption keeps it, and a proof of
the same voucher with no greater counter is refused ever after.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from coupon_service.vouchers import base32
from coupon_service.vouchers.errors import InvalidTokenError
from coupon_service.vouchers.keys import SIGNATURE_BYTES, Keyring, load_public_key, signed
from coupon_service.vouchers.token import NO_PHONE, TOKEN_BYTES, Token, token_of

VERSION = 2
ANSWER_VERSION = 4
# How often a phone signs anew, and how far from its signed time a proof is taken.
SHOWN_EVERY_S = 15
GOOD_FOR_S = 30

_DOMAIN = b"coupon-voucher-proof"
_MOMENT = struct.Struct(">II")
_ANSWER = struct.Struct(">H")
_MOMENT_AT = 1 + TOKEN_BYTES
_ANSWER_AT = _MOMENT_AT + _MOMENT.size
PROOF_BYTES = _ANSWER_AT + SIGNATURE_BYTES
ANSWER_BYTES = PROOF_BYTES + _ANSWER.size
PROOF_CHARS = base32.chars_of(PROOF_BYTES)
ANSWER_CHARS = base32.chars_of(ANSWER_BYTES)
CHALLENGE_MAX = 9_999


@dataclass(frozen=True)
class Proof:
    """A proof that was read, both of whose signatures hold. Whether it is fresh is not said.

    Attributes:
        challenge: the number that was given to the phone; none if none was.
    """

    token: Token
    shown_at: datetime
    counter: int
    challenge: int | None = None


def proof_message(
    token: bytes, voucher_id: UUID, shown_at_s: int, counter: int, challenge: int | None = None
) -> bytes:
    """What a phone signs over a level-1 token of `TOKEN_BYTES`."""
    moment = _MOMENT.pack(shown_at_s, counter)
    if challenge is None:
        domain = _DOMAIN + bytes([VERSION])
    else:
        domain, moment = _DOMAIN + bytes([ANSWER_VERSION]), moment + _ANSWER.pack(challenge)
    return domain + voucher_id.bytes + moment + sha256(token).digest()


def proof_of(keyring: Keyring, raw: bytes) -> Proof:
    """The proof in these bytes. Pure: no database, bounded work whatever the bytes.

    Raises:
        InvalidTokenError: not a proof, or one of its signatures does not hold.
    """
    if (len(raw), raw[:1]) == (PROOF_BYTES, bytes([VERSION])):
        challenge = None
    elif (len(raw), raw[:1]) == (ANSWER_BYTES, bytes([ANSWER_VERSION])):
        (challenge,) = _ANSWER.unpack_from(raw, _ANSWER_AT)
        if challenge > CHALLENGE_MAX:
            raise InvalidTokenError
    else:
        raise InvalidTokenError
    token_raw = raw[1:_MOMENT_AT]
    shown_at_s, counter = _MOMENT.unpack_from(raw, _MOMENT_AT)
    token = token_of(keyring, token_raw)
    if token.facts.phone_key == NO_PHONE:
        raise InvalidTokenError
    # The issuer signed this key, and binding a key checks that it is a point of the curve.
    phone = load_public_key(token.facts.phone_key)
    message = proof_message(token_raw, token.facts.voucher_id, shown_at_s, counter, challenge)
    if not signed(phone, message, raw[-SIGNATURE_BYTES:]):
        raise InvalidTokenError
    return Proof(token, datetime.fromtimestamp(shown_at_s, UTC), counter, challenge)
