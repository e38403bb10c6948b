"""What was scanned or typed, read into what a redemption needs. Pure and bounded.

A voucher shows itself as a QR code or as twelve digits. In the QR code is a signed token, a phone's
proof around one, or the code of a paper voucher; the first byte tells which. Wedge scanners may add
spaces or type in lower case, cashiers group digits: neither changes what is meant.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from coupon_service.vouchers import base32, paper_code, proof, token
from coupon_service.vouchers.errors import InvalidTokenError
from coupon_service.vouchers.keys import Keyring
from coupon_service.vouchers.typed_code import DIGITS, read_typed_code
from redemption.errors import CodeNotRecognisedError

# Room for the longest code with some spaces and line ends around it.
CODE_CHARS_MAX = proof.ANSWER_CHARS + 33
_IGNORED = str.maketrans("", "", " -\t\r\n")


class Way(Enum):
    """How a voucher was shown."""

    DIGITS = auto()
    TOKEN = auto()
    PROOF = auto()
    PAPER = auto()


@dataclass(frozen=True)
class SeatRef:
    """A voucher named by its release's number and its seat."""

    release_number: int
    seat: int


@dataclass(frozen=True)
class Scan:
    """A voucher as it was shown.

    Freshness is judged later, with the order number at hand: a repeat may come after its time.

    Attributes:
        good_from, good_until: when this showing is good; none: always.
        phone_key: of the phone that the code is for; none if it is for no particular one.
        proof_counter: of the phone's proof.
        challenge: the till's number that the proof answers.
        paper_serial: of the sheet.
    """

    way: Way
    voucher: UUID | SeatRef
    good_from: datetime | None = None
    good_until: datetime | None = None
    phone_key: bytes | None = None
    proof_counter: int | None = None
    challenge: int | None = None
    paper_serial: int | None = None


def is_typed(text: str) -> bool:
    """Whether this is meant as typed digits rather than as a scanned token."""
    bare = text[:CODE_CHARS_MAX].translate(_IGNORED)
    return len(bare) <= 2 * DIGITS


def read_code(text: str, *, keyring: Keyring, typed_key: bytes, skew_s: int = 0) -> Scan:
    """Read a scanned code or typed digits. Whether the voucher exists is for the database to say.

    `skew_s` is how far a phone's clock may be off beyond a proof's own `GOOD_FOR_S`.

    Raises:
        CodeNotRecognisedError: neither, or one whose signatures do not hold.
    """
    if len(text) > CODE_CHARS_MAX:
        raise CodeNotRecognisedError
    bare = text.translate(_IGNORED)
    if is_typed(bare):
        seat = read_typed_code(typed_key, bare)
        if seat is None:
            raise CodeNotRecognisedError
        return Scan(Way.DIGITS, SeatRef(*seat))
    # All or nothing: caps lock turns a whole code over, a damaged letter only itself.
    if bare.isascii() and bare.islower():
        bare = bare.upper()
    try:
        return _scanned(base32.decode(bare), keyring, timedelta(seconds=proof.GOOD_FOR_S + skew_s))
    except InvalidTokenError:
        raise CodeNotRecognisedError from None


def _scanned(raw: bytes, keyring: Keyring, proof_good_for: timedelta) -> Scan:
    match raw[0]:
        case token.VERSION:
            plain = token.token_of(keyring, raw)
            key = plain.facts.phone_key
            return Scan(
                Way.TOKEN,
                plain.facts.voucher_id,
                good_until=plain.token_expires_at,
                phone_key=None if key == token.NO_PHONE else key,
            )
        case proof.VERSION | proof.ANSWER_VERSION:
            proven = proof.proof_of(keyring, raw)
            return Scan(
                Way.PROOF,
                proven.token.facts.voucher_id,
                good_from=proven.shown_at - proof_good_for,
                good_until=min(proven.shown_at + proof_good_for, proven.token.token_expires_at),
                phone_key=proven.token.facts.phone_key,
                proof_counter=proven.counter,
                challenge=proven.challenge,
            )
        case paper_code.VERSION:
            sheet = paper_code.paper_code_of(keyring, raw)
            return Scan(Way.PAPER, sheet.voucher_id, paper_serial=sheet.serial)
        case _:
            raise InvalidTokenError
