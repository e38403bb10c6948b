"""Identity documents: what their numbers look like, and the one normal form of each.

Limits count persons by a keyed hash of the normal form, so every spelling of one document, and
every renewal that keeps its number, must come out the same. That a number is well formed does not
say that it was ever issued, nor to whom.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from coupon_service.residents.errors import (
    BirthDateNeededError,
    InvalidBirthDateError,
    InvalidIdNumberError,
)
from coupon_service.residents.id_number import read_id_number

_OLDEST_YEAR = 1900


class DocumentKind(StrEnum):
    """Documents with which somebody living in the mainland proves who they are."""

    RESIDENT_ID = "resident_id"  # 居民身份证
    HMT_RESIDENCE = "hmt_residence"  # 港澳台居民居住证: an ID number beginning 81, 82 or 83
    HM_PERMIT = "hm_permit"  # 港澳居民来往内地通行证
    TW_PERMIT = "tw_permit"  # 台湾居民来往大陆通行证
    FOREIGN_PERMANENT = "foreign_permanent"  # 外国人永久居留身份证, 2023 and earlier
    PASSPORT = "passport"


@dataclass(frozen=True)
class Document:
    """A well-formed document.

    Attributes:
        number: as its owner would read it out: upper case, without blanks.
        normal: what is hashed. An ID number stands for itself; others are told apart by kind.
        area_code: the first six digits of an ID number (GB/T 2260).
    """

    kind: DocumentKind
    number: str
    born_on: date
    area_code: str | None = None

    @property
    def normal(self) -> str:
        return self.number if len(self.number) == 18 else f"{self.kind}:{self.number}"


# Kinds whose number does not carry a date of birth (a whole one), so that it has to be asked for.
ASKS_BIRTH = frozenset({DocumentKind.HM_PERMIT, DocumentKind.TW_PERMIT, DocumentKind.PASSPORT})

# The letter tells Hong Kong from Macao; two more digits on older cards count the renewals.
_HM_PERMIT = re.compile(r"([HM]\d{8})(?:\d{2})?")
# Eight digits for life; older cards add two for renewals and a letter in brackets.
_TW_PERMIT = re.compile(r"(\d{8})(?:\d{2}(?:\(?[A-Z]\)?)?)?")
_PASSPORT = re.compile(r"(?=.*\d)[A-Z0-9]{5,17}")  # ICAO 9303 has nine; some states use more
# Three letters of the state, four digits of the place, six of birth (YYMMDD), order and check.
_FOREIGN_BEFORE_2023 = re.compile(r"[A-Z]{3}\d{4}(\d{6})\d{2}")
_WIDE = str.maketrans("（）－", "()-")


def read_document(kind: DocumentKind, typed: str, born_on: date | None, today: date) -> Document:
    """The document somebody typed. A residence permit typed as an ID card is told by its number.

    Raises:
        InvalidIdNumberError: wrong shape or check.
        BirthDateNeededError: the number has no date of birth, and none was given.
        InvalidBirthDateError: after `today`, before 1900, or not the one in the number.
    """
    number = re.sub(r"[\s-]", "", typed.translate(_WIDE)).upper()
    match kind:
        case DocumentKind.RESIDENT_ID | DocumentKind.HMT_RESIDENCE:
            return _numbered(number, today)
        case DocumentKind.FOREIGN_PERMANENT:
            return _foreign(number, born_on, today)
        case DocumentKind.HM_PERMIT:
            return Document(kind, _matched(_HM_PERMIT, number), _birth(born_on, today))
        case DocumentKind.TW_PERMIT:
            return Document(kind, _matched(_TW_PERMIT, number), _birth(born_on, today))
        case DocumentKind.PASSPORT:
            found = _PASSPORT.fullmatch(number)
            if found is None:
                raise InvalidIdNumberError
            return Document(kind, number, _birth(born_on, today))


def _numbered(number: str, today: date) -> Document:
    found = read_id_number(number, today)
    if found.digits[0] == "9":
        return Document(DocumentKind.FOREIGN_PERMANENT, found.digits, found.born_on)
    kind = DocumentKind.RESIDENT_ID
    if found.digits[:2] in ("81", "82", "83"):
        kind = DocumentKind.HMT_RESIDENCE
    return Document(kind, found.digits, found.born_on, found.digits[:6])


def _foreign(number: str, born_on: date | None, today: date) -> Document:
    kind = DocumentKind.FOREIGN_PERMANENT
    if number[:1] == "9":
        return _numbered(number, today)
    yymmdd = _matched(_FOREIGN_BEFORE_2023, number)
    born = _birth(born_on, today)
    if f"{born:%y%m%d}" != yymmdd:
        raise InvalidBirthDateError
    return Document(kind, number, born)


def _matched(shape: re.Pattern[str], number: str) -> str:
    found = shape.fullmatch(number) if number.isascii() else None
    if found is None:
        raise InvalidIdNumberError
    return found[1]


def _birth(born_on: date | None, today: date) -> date:
    if born_on is None:
        raise BirthDateNeededError
    if born_on.year < _OLDEST_YEAR or born_on > today:
        raise InvalidBirthDateError
    return born_on
