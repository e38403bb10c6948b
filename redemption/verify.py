"""What was scanned or typed, read into what a redemption needs. Pure and bounded.

A voucher shows itself as a signed token in a QR code or as twelve digits. Wedge scanners may add
spaces or type in lower case, cashiers group digits: neither changes what is meant.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from coupon_service.vouchers.errors import InvalidTokenError
from coupon_service.vouchers.keys import Keyring
from coupon_service.vouchers.token import TOKEN_CHARS, read_token
from coupon_service.vouchers.typed_code import DIGITS, read_typed_code
from redemption.errors import CodeNotRecognisedError

# Room for a token with some spaces and line ends around it.
CODE_CHARS_MAX = TOKEN_CHARS + 33
_IGNORED = str.maketrans("", "", " -\t\r\n")
# Freshness is judged with the order number at hand: a repeat may come after the token's time.
_BEFORE_EVERY_EXPIRY = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class SeatRef:
    """A voucher named by its release's number and its seat."""

    release_number: int
    seat: int


@dataclass(frozen=True)
class Scan:
    """A voucher as it was shown, and until when that showing is good (typed digits: always)."""

    voucher: UUID | SeatRef
    good_until: datetime | None


def is_typed(text: str) -> bool:
    """Whether this is meant as typed digits rather than as a scanned token."""
    bare = text[:CODE_CHARS_MAX].translate(_IGNORED)
    return len(bare) <= 2 * DIGITS


def read_code(text: str, *, keyring: Keyring, typed_key: bytes) -> Scan:
    """Read a token or typed digits. Whether the voucher exists is for the database to say.

    Raises:
        CodeNotRecognisedError: neither, or signed by no key in use.
    """
    if len(text) > CODE_CHARS_MAX:
        raise CodeNotRecognisedError
    bare = text.translate(_IGNORED)
    if is_typed(bare):
        seat = read_typed_code(typed_key, bare)
        if seat is None:
            raise CodeNotRecognisedError
        return Scan(SeatRef(*seat), good_until=None)
    # All or nothing: caps lock turns a whole token over, a damaged letter only itself.
    if bare.isascii() and bare.islower():
        bare = bare.upper()
    try:
        token = read_token(keyring, bare, now=_BEFORE_EVERY_EXPIRY)
    except InvalidTokenError:
        raise CodeNotRecognisedError from None
    return Scan(token.facts.voucher_id, good_until=token.token_expires_at)
