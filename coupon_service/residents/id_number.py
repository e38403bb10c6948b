"""Citizen identity numbers (GB 11643-1999): 6 digits of place, 8 of birth, 3 in order, 1 check.

A foreigner's permanent residence card (2023) has the same form, its first digit 9, then two of the
province and three of the state (ISO 3166-1 numeric).
"""

from dataclasses import dataclass
from datetime import date

from coupon_service.residents.errors import InvalidIdNumberError

# GB/T 2260: the first two digits of every province-level division, and 83 of a later order.
_PROVINCES = frozenset(
    (
        *range(11, 16),
        *range(21, 24),
        *range(31, 38),
        *range(41, 47),
        *range(50, 55),
        *range(61, 66),
        *(71, 81, 82, 83),
    )
)
_FOREIGN = "9"
_OLDEST_YEAR = 1800  # the standard's own example was born in 1880
# ISO 7064, MOD 11-2: the weight of position i, counted from the right, is 2^(i-1) mod 11.
_WEIGHTS = tuple(2**place % 11 for place in range(17, 0, -1))
_CHECKS = "10X98765432"


@dataclass(frozen=True)
class IdNumber:
    """A valid number in its one canonical form: eighteen characters, the check in upper case."""

    digits: str
    born_on: date


def read_id_number(typed: str, today: date) -> IdNumber:
    """The number somebody typed. Fifteen digits (issued until 1999) become eighteen.

    A number's check does not say that it was ever issued, nor to whom. A foreigner's permanent
    residence number is read too: what has eighteen places is one number in whatever card it is.

    Raises:
        InvalidIdNumberError: wrong shape, place, check, or date of birth; or born after `today`.
    """
    digits = typed.strip().upper()
    if len(digits) == 15 and digits.isascii() and digits.isdigit():
        digits = digits[:6] + "19" + digits[6:]
        digits += check_character(digits)
    if not digits.isascii() or len(digits) != 18 or not digits[:17].isdigit():
        raise InvalidIdNumberError
    if digits[17] != check_character(digits[:17]):
        raise InvalidIdNumberError
    try:
        born_on = date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        raise InvalidIdNumberError from None
    place = digits[1:3] if digits[0] == _FOREIGN else digits[:2]
    if int(place) not in _PROVINCES or born_on.year < _OLDEST_YEAR or born_on > today:
        raise InvalidIdNumberError
    return IdNumber(digits, born_on)


def check_character(first_seventeen: str) -> str:
    """The check of the first seventeen digits: `0`–`9` or `X`."""
    total = sum(
        int(digit) * weight for digit, weight in zip(first_seventeen, _WEIGHTS, strict=True)
    )
    return _CHECKS[total % 11]


def mask_id_number(digits: str) -> str:
    """`1****************X`: enough for its owner to recognise."""
    return digits[0] + "*" * (len(digits) - 2) + digits[-1]
