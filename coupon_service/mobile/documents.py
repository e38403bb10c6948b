"""A person as their document shows them, as a form on a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import request
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from coupon_service.core.errors import ProblemError
from coupon_service.residents.documents import ASKS_BIRTH, DocumentKind
from coupon_service.residents.errors import (
    BirthDateNeededError,
    InvalidBirthDateError,
    InvalidIdNumberError,
    InvalidNameError,
)

_ID_NUMBER_CHARS_MAX = 30
_NAME_CHARS_MAX = 60

WORDS: Mapping[DocumentKind, LazyString] = {
    DocumentKind.RESIDENT_ID: lazy_gettext("居民身份证"),
    DocumentKind.HMT_RESIDENCE: lazy_gettext("港澳台居民居住证"),
    DocumentKind.HM_PERMIT: lazy_gettext("港澳居民来往内地通行证"),
    DocumentKind.TW_PERMIT: lazy_gettext("台湾居民来往大陆通行证"),
    DocumentKind.FOREIGN_PERMANENT: lazy_gettext("外国人永久居留身份证"),
    DocumentKind.PASSPORT: lazy_gettext("护照"),
}
# Also the older cards of foreigners, whose numbers carry half a date.
_MAY_ASK_BIRTH = ASKS_BIRTH | {DocumentKind.FOREIGN_PERMANENT}
_FIELDS: Mapping[type[ProblemError], str] = {
    InvalidNameError: "name",
    InvalidIdNumberError: "id_number",
    BirthDateNeededError: "born_on",
    InvalidBirthDateError: "born_on",
}


@dataclass(frozen=True)
class TypedDocument:
    """What was typed. The number is never written back into a page."""

    name: str
    kind: DocumentKind
    id_number: str
    born_on: date | None


def typed_document() -> TypedDocument:
    """The form's fields.

    Raises:
        InvalidNameError, InvalidIdNumberError, InvalidBirthDateError
    """
    name, id_number = request.form.get("name", ""), request.form.get("id_number", "")
    if len(name) > _NAME_CHARS_MAX:
        raise InvalidNameError
    if len(id_number) > _ID_NUMBER_CHARS_MAX:
        raise InvalidIdNumberError
    born_on = request.form.get("born_on", "")
    try:
        born = date.fromisoformat(born_on) if born_on else None
    except ValueError:
        raise InvalidBirthDateError from None
    return TypedDocument(name, _kind(), id_number, born)


def document_form(error: ProblemError | None = None) -> dict[str, object]:
    """What `mobile/document_fields.html` wants to know."""
    return {
        "error": error,
        "error_field": _FIELDS.get(type(error)) if error else None,
        "name": request.form.get("name", "")[:_NAME_CHARS_MAX],
        "born_on": request.form.get("born_on", "")[:10],
        "kind": _kind(),
        "kinds": [(kind, str(word), kind in _MAY_ASK_BIRTH) for kind, word in WORDS.items()],
    }


def document_word(kind: DocumentKind) -> str:
    """`居民身份证号码` and the like."""
    return str(gettext("%(document)s号码", document=WORDS[kind]))


def _kind() -> DocumentKind:
    wanted = request.form.get("kind", "")
    return DocumentKind(wanted) if wanted in list(DocumentKind) else DocumentKind.RESIDENT_ID
