"""What a line of a list says: a person, in the form residents are looked up by, or a fault."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from coupon_service.issuance.lists.models import Fault, PersonKind
from coupon_service.residents.errors import InvalidIdNumberError
from coupon_service.residents.id_number import check_character, read_id_number

_COLUMNS = {
    PersonKind.ID_NUMBER: {
        *("id_number", "身份证号", "身份证号码", "公民身份号码", "身份证"),
        *("证件号", "证件号码"),
    },
    PersonKind.PHONE: {"phone", "手机号", "手机号码", "手机", "联系电话", "电话"},
}
_PHONE = re.compile(r"1[3-9][0-9]{9}")
_COUNTRY = re.compile(r"(?:\+|00)?86(?=1[0-9]{10}$)")
_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]")
# What a spreadsheet makes of eighteen digits: it keeps fifteen of them at most.
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?E\+?[0-9]{1,2}")
# How spreadsheets are told that digits are text: ="1101…" or '1101….
_QUOTED = re.compile(r"=?[\"']?([^\"']*)[\"']?")
_FILLERS = re.compile(r"[\s\u200b-\u200f\u2060\ufeff-]+")


@dataclass(frozen=True)
class Person:
    """A person by ID number or phone, in normal form."""

    kind: PersonKind
    normalised: str


@dataclass(frozen=True)
class Columns:
    """Where the file has its numbers, counted from 0."""

    id_number: int | None
    phone: int | None


def find_columns(header: Sequence[str]) -> Columns | None:
    """The columns that the header names, or None if it names neither."""
    names = [_FILLERS.sub("", cell).lower() for cell in header]
    places = {
        kind: next((at for at, name in enumerate(names) if name in known), None)
        for kind, known in _COLUMNS.items()
    }
    found = Columns(places[PersonKind.ID_NUMBER], places[PersonKind.PHONE])
    return None if found == Columns(None, None) else found


def read_person(cells: Sequence[str], columns: Columns, today: date) -> Person | Fault:
    """The person of a line. An ID number decides where there is one; a phone does not mend it."""
    id_number, phone = (_bare(cells, at) for at in (columns.id_number, columns.phone))
    said = id_number or phone
    if not said:
        return Fault.EMPTY
    if _SCIENTIFIC.fullmatch(said):
        return Fault.SCIENTIFIC
    return _by_id_number(id_number, today) if id_number else _by_phone(phone)


def _by_id_number(typed: str, today: date) -> Person | Fault:
    try:
        return Person(PersonKind.ID_NUMBER, read_id_number(typed, today).digits)
    except InvalidIdNumberError:
        mistyped = _EIGHTEEN.fullmatch(typed) and typed[17] != check_character(typed[:17])
        return Fault.CHECK_CHARACTER if mistyped else Fault.ID_NUMBER


def _by_phone(typed: str) -> Person | Fault:
    phone = _COUNTRY.sub("", typed, count=1)
    return Person(PersonKind.PHONE, phone) if _PHONE.fullmatch(phone) else Fault.PHONE


def _bare(cells: Sequence[str], at: int | None) -> str:
    """The cell's number without what spreadsheets and people put around and between digits."""
    if at is None or at >= len(cells):
        return ""
    cell = cells[at]
    if cell.isascii() and cell.isalnum():
        return cell.upper()
    plain = _FILLERS.sub("", unicodedata.normalize("NFKC", cell))
    quoted = _QUOTED.fullmatch(plain)
    return (quoted[1] if quoted else plain).upper()
