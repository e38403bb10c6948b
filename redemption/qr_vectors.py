"""Test vectors of the codes a till reads: what each text is, or why it is nothing.

    python -m redemption.qr_vectors > docs/examples/qr-vectors.json

Everything follows from fixed keys, which belong to nobody, and from signatures without chance
(RFC 6979).
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from coupon_service.vouchers import base32
from coupon_service.vouchers.errors import ExpiredTokenError
from coupon_service.vouchers.keys import Keyring
from coupon_service.vouchers.paper_code import PaperCode, issue_paper_code
from coupon_service.vouchers.proof import ANSWER_VERSION, proof_message
from coupon_service.vouchers.proof import VERSION as PROOF_VERSION
from coupon_service.vouchers.token import VoucherFacts, issue_token
from coupon_service.vouchers.typed_code import typed_code
from redemption.errors import CodeNotRecognisedError
from redemption.verify import Scan, SeatRef, read_code

NOW = datetime(2026, 6, 18, 4, tzinfo=UTC)
TYPED_KEY = sha256(b"typed-code key of the test vectors").digest()
_TTL_S = 300
_BOUND_TTL_S = 86_400
_FACTS = VoucherFacts(
    voucher_id=UUID("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"),
    release_number=42,
    face_fen=2_000,
    threshold_fen=5_000,
    not_before=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=7),
)


class _Key:
    """A private key made from words, whose signatures are always the same."""

    def __init__(self, words: str, kid: int = 1) -> None:
        self.kid = kid
        self.secret = sha256(words.encode()).digest()
        self._private = ec.derive_private_key(int.from_bytes(self.secret), ec.SECP256R1())

    @property
    def point(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def sign(self, message: bytes) -> bytes:
        algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self._private.sign(message, algorithm))
        return r.to_bytes(32) + s.to_bytes(32)


_ISSUER = _Key("issuer's key of the test vectors")
_PHONE = _Key("phone's key of the test vectors")
KEYRING = Keyring(_ISSUER, {_ISSUER.kid: _ISSUER.point})


@dataclass(frozen=True)
class _Case:
    name: str
    text: str


def make_vectors() -> dict[str, Any]:
    """The document: keys, the moment, and each text with what it is at that moment."""
    return {
        "now": _moment(NOW),
        "issuer": {"kid": _ISSUER.kid, "public_key": _ISSUER.point.hex()},
        "typed_key": TYPED_KEY.hex(),
        "vectors": [
            {"name": case.name, "text": case.text, **_outcome(case.text)} for case in _cases()
        ],
    }


def _cases() -> Iterator[_Case]:
    plain = issue_token(KEYRING, _FACTS, now=NOW, ttl_s=_TTL_S)
    bound_facts = replace(_FACTS, phone_key=_PHONE.point)
    bound = issue_token(KEYRING, bound_facts, now=NOW, ttl_s=_BOUND_TTL_S)
    proof = _proof(bound, NOW)
    stranger = _Key("somebody else's key")
    strange = Keyring(stranger, {stranger.kid: stranger.point})
    unknown = _Key("issuer's key of the test vectors", kid=9)
    yield _Case("level 1, for no particular phone", plain)
    yield _Case("level 1, for a phone: worthless without its proof", bound)
    yield _Case("level 1, as a scanner with caps lock types it", plain.lower())
    yield _Case("level 2, shown now", proof)
    yield _Case("level 2, shown a minute ago", _proof(bound, NOW - timedelta(minutes=1)))
    answer = _proof(bound, NOW, challenge=427)
    yield _Case("level 2, answering the till's 0427", answer)
    yield _Case("level 2, one bit of the till's number turned over", _flipped(answer, at=149))
    yield _Case("level 2, answering 10000", _proof(bound, NOW, challenge=10_000))
    yield _Case(
        "level 1, signed ten minutes ago",
        issue_token(KEYRING, _FACTS, now=NOW - timedelta(minutes=10), ttl_s=_TTL_S),
    )
    yield _Case("level 1, one bit of the face turned over", _flipped(plain, at=25))
    yield _Case("level 1, one bit of the signature turned over", _flipped(plain, at=138))
    yield _Case("level 2, one bit of the counter turned over", _flipped(proof, at=147))
    yield _Case("level 2 by another phone", _proof(bound, NOW, by=stranger))
    yield _Case(
        "level 1 by another issuer under the same key id",
        issue_token(strange, _FACTS, now=NOW, ttl_s=_TTL_S),
    )
    yield _Case(
        "level 1 under an unknown key id",
        issue_token(Keyring(unknown, {unknown.kid: unknown.point}), _FACTS, now=NOW, ttl_s=_TTL_S),
    )
    yield _Case("an unknown version", base32.encode(b"\x09" + base32.decode(plain)[1:]))
    yield _Case("level 1, cut off", plain[:-8])
    yield _Case("level 1, spare bits not zero", plain[:-1] + chr(ord(plain[-1]) + 1))
    sheet = PaperCode(_FACTS.voucher_id, 1, _FACTS.expires_at)
    yield _Case("paper, first sheet", issue_paper_code(KEYRING, sheet))
    digits = typed_code(TYPED_KEY, _FACTS.release_number, 7)
    yield _Case("typed, release 42, seat 7", digits)
    yield _Case("typed in groups", f"{digits[:4]} {digits[4:8]}-{digits[8:]}")


def _proof(
    token: str, shown_at: datetime, *, by: _Key = _PHONE, challenge: int | None = None
) -> str:
    raw, shown_at_s = base32.decode(token), int(shown_at.timestamp())
    message = proof_message(raw, _FACTS.voucher_id, shown_at_s, shown_at_s, challenge)
    version, moment = PROOF_VERSION, shown_at_s.to_bytes(4) * 2
    if challenge is not None:
        version, moment = ANSWER_VERSION, moment + challenge.to_bytes(2)
    return base32.encode(bytes([version]) + raw + moment + by.sign(message))


def _flipped(text: str, *, at: int) -> str:
    raw = bytearray(base32.decode(text))
    raw[at] ^= 1
    return base32.encode(bytes(raw))


def _outcome(text: str) -> dict[str, Any]:
    try:
        scan = read_code(text, keyring=KEYRING, typed_key=TYPED_KEY)
    except CodeNotRecognisedError as error:
        return {"refused": error.slug}
    late = scan.good_until is not None and scan.good_until <= NOW
    return {"reads": _reading(scan)} | ({"refused": ExpiredTokenError.slug} if late else {})


def _reading(scan: Scan) -> dict[str, Any]:
    named = (
        {"release": scan.voucher.release_number, "seat": scan.voucher.seat}
        if isinstance(scan.voucher, SeatRef)
        else {"voucher_id": str(scan.voucher)}
    )
    return {
        "way": scan.way.name.lower(),
        **named,
        "good_from": _moment(scan.good_from),
        "good_until": _moment(scan.good_until),
        "phone_key": scan.phone_key.hex() if scan.phone_key else None,
        "counter": scan.proof_counter,
        "challenge": scan.challenge,
        "serial": scan.paper_serial,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(make_vectors(), option=orjson.OPT_INDENT_2).decode() + "\n")
