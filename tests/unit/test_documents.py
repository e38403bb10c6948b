from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.core.errors import ProblemError
from coupon_service.residents.documents import DocumentKind, read_document
from coupon_service.residents.errors import (
    BirthDateNeededError,
    InvalidBirthDateError,
    InvalidIdNumberError,
)
from coupon_service.residents.household import age, is_adult
from coupon_service.residents.id_number import check_character

TODAY = date(2026, 11, 21)
BORN = date(1990, 2, 28)


def _numbered(body: str) -> str:
    return body + check_character(body)


@pytest.mark.parametrize(
    ("kind", "spellings", "normal"),
    [
        (
            DocumentKind.RESIDENT_ID,
            ["11010519491231002X", " 110105 19491231 002x", "110105491231002"],
            "11010519491231002X",
        ),
        (
            DocumentKind.HM_PERMIT,
            ["H12345678", "h12345678", "H1234567801", "H 1234 5678"],
            "hm_permit:H12345678",
        ),
        (
            DocumentKind.TW_PERMIT,
            ["12345678", "1234567801", "1234567801(B)", "1234567801（b）", "1234567801B"],
            "tw_permit:12345678",
        ),
        (DocumentKind.PASSPORT, ["EA1234567", "ea 123-4567"], "passport:EA1234567"),
    ],
)
def test_every_spelling_and_renewal_of_a_document_is_one_person(
    kind: DocumentKind, spellings: list[str], normal: str
) -> None:
    assert {read_document(kind, one, BORN, TODAY).normal for one in spellings} == {normal}


def test_a_residence_permit_is_told_by_its_number() -> None:
    number = _numbered("81000019900228001")
    typed_as_id_card = read_document(DocumentKind.RESIDENT_ID, number, None, TODAY)
    assert typed_as_id_card.kind is DocumentKind.HMT_RESIDENCE
    assert typed_as_id_card.born_on == BORN
    assert typed_as_id_card.area_code == "810000"


def test_a_foreigners_card_is_read_in_both_its_forms() -> None:
    new = _numbered("91184019900228001")
    read = read_document(DocumentKind.FOREIGN_PERMANENT, new, None, TODAY)
    assert (read.born_on, read.area_code, read.normal) == (BORN, None, new)
    assert read_document(DocumentKind.RESIDENT_ID, new, None, TODAY) == read
    old = read_document(DocumentKind.FOREIGN_PERMANENT, "usa110190022801", BORN, TODAY)
    assert old.normal == "foreign_permanent:USA110190022801"
    assert old.born_on == BORN


def test_half_a_date_in_the_number_must_be_the_date_that_is_given() -> None:
    with pytest.raises(InvalidBirthDateError):
        read_document(DocumentKind.FOREIGN_PERMANENT, "USA110190022801", date(1990, 3, 1), TODAY)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (DocumentKind.HM_PERMIT, "H12345678"),
        (DocumentKind.TW_PERMIT, "12345678"),
        (DocumentKind.PASSPORT, "EA1234567"),
        (DocumentKind.FOREIGN_PERMANENT, "USA110190022801"),
    ],
)
def test_where_the_number_has_no_birthday_it_is_asked_for(kind: DocumentKind, number: str) -> None:
    with pytest.raises(BirthDateNeededError):
        read_document(kind, number, None, TODAY)
    for impossible in (date(1899, 12, 31), date(2026, 11, 22)):
        with pytest.raises(InvalidBirthDateError):
            read_document(kind, number, impossible, TODAY)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (DocumentKind.HM_PERMIT, "T12345678"),
        (DocumentKind.HM_PERMIT, "H1234567"),
        (DocumentKind.HM_PERMIT, "H１2345678"),
        (DocumentKind.TW_PERMIT, "123456789"),
        (DocumentKind.PASSPORT, "ABCDEFGH"),
        (DocumentKind.PASSPORT, "=1+1"),
        (DocumentKind.PASSPORT, "护照1234567"),
        (DocumentKind.FOREIGN_PERMANENT, "911840199002280019"),
        (DocumentKind.FOREIGN_PERMANENT, "US1110190022801"),
    ],
)
def test_what_is_no_number_of_that_document_is_refused(kind: DocumentKind, typed: str) -> None:
    with pytest.raises(InvalidIdNumberError):
        read_document(kind, typed, BORN, TODAY)


@given(
    kind=st.sampled_from(DocumentKind), typed=st.text(max_size=25), born_on=st.none() | st.dates()
)
def test_no_text_makes_the_reader_fail_in_another_way(
    kind: DocumentKind, typed: str, born_on: date | None
) -> None:
    try:
        read = read_document(kind, typed, born_on, TODAY)
    except ProblemError:
        return
    assert read.born_on <= TODAY
    assert read_document(read.kind, read.number, read.born_on, TODAY).normal == read.normal


@pytest.mark.parametrize(
    ("born_on", "today", "years"),
    [
        (date(2008, 11, 21), date(2026, 11, 20), 17),
        (date(2008, 11, 21), date(2026, 11, 21), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_one_comes_of_age_on_the_birthday(born_on: date, today: date, years: int) -> None:
    assert age(born_on, today) == years
    assert is_adult(born_on, today) is (years >= 18)
    assert not is_adult(None, today)
