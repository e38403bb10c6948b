"""What officials' files look like, and what is read from them."""

from datetime import date

import pytest

from coupon_service.issuance.lists import csv_file
from coupon_service.issuance.lists.csv_file import Record, read_file, read_records
from coupon_service.issuance.lists.errors import (
    ListFileMissingError,
    ListHeaderError,
    ListNotCsvError,
    ListTooLongError,
)
from coupon_service.issuance.lists.models import Fault, PersonKind
from coupon_service.issuance.lists.person import Columns, Person, find_columns, read_person

TODAY = date(2022, 6, 18)
GOOD = "11010519491231002X"  # the standard's own example
BOTH = Columns(0, 1)


def records(text: str, encoding: str = "utf-8") -> list[Record]:
    return list(read_records(text.encode(encoding).splitlines(keepends=True), encoding))


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["id_number"], Columns(0, None)),
        (["姓名", "身份证号", "手机号"], Columns(1, 2)),
        ([" 手机号码 "], Columns(None, 0)),
        (["Phone", "ID_Number"], Columns(1, 0)),
        (["姓名", "住址"], None),
    ],
)
def test_the_header_says_where_the_numbers_are(header: list[str], columns: Columns | None) -> None:
    assert find_columns(header) == columns


@pytest.mark.parametrize(
    "cell",
    [
        GOOD,
        GOOD.lower(),
        f" {GOOD} ",
        f"\t{GOOD}",
        f"'{GOOD}",
        f'="{GOOD}"',
        "１１０１０５１９４９１２３１００２Ｘ",
    ],
)
def test_an_id_number_is_read_in_every_dress_spreadsheets_give_it(cell: str) -> None:
    assert read_person([cell, ""], BOTH, TODAY) == Person(PersonKind.ID_NUMBER, GOOD)


def test_fifteen_digits_become_eighteen() -> None:
    assert read_person(["110105491231002"], BOTH, TODAY) == Person(PersonKind.ID_NUMBER, GOOD)


@pytest.mark.parametrize(
    "cell", ["13800138000", "138 0013 8000", "138-0013-8000", "+86 13800138000", "008613800138000"]
)
def test_a_phone_is_read_however_it_is_spaced(cell: str) -> None:
    assert read_person(["", cell], BOTH, TODAY) == Person(PersonKind.PHONE, "13800138000")


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        (["", ""], Fault.EMPTY),
        ([], Fault.EMPTY),
        (["1.10105E+17", ""], Fault.SCIENTIFIC),
        (["", "1.38E+10"], Fault.SCIENTIFIC),
        (["110105194912310021", ""], Fault.CHECK_CHARACTER),
        (["110105194913310020", ""], Fault.CHECK_CHARACTER),
        (["1101051949", ""], Fault.ID_NUMBER),
        (["E12345678", ""], Fault.ID_NUMBER),
        (["", "12345"], Fault.PHONE),
        (["", "23800138000"], Fault.PHONE),
        (["110105194912310021", "13800138000"], Fault.CHECK_CHARACTER),
    ],
)
def test_a_bad_number_says_what_is_wrong_with_it(cells: list[str], fault: Fault) -> None:
    assert read_person(cells, BOTH, TODAY) is fault


def test_an_id_number_decides_where_both_are_given() -> None:
    person = read_person([GOOD, "13800138000"], BOTH, TODAY)
    assert person == Person(PersonKind.ID_NUMBER, GOOD)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_file_is_read_in_the_encodings_and_line_endings_officials_have(
    encoding: str, ending: str
) -> None:
    content = ending.join(["姓名,身份证号", f"张三丰,{GOOD}", "李四,1"]).encode(encoding)
    file = read_file(content)
    assert file.encoding == ("gb18030" if encoding == "gb18030" else "utf-8")
    lines = file.content.split(b"\n")
    got = list(read_records([line + b"\n" for line in lines], file.encoding))
    assert [one.cells for one in got[:3]] == [["姓名", "身份证号"], ["张三丰", GOOD], ["李四", "1"]]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", ListFileMissingError),
        (b" \r\n ", ListFileMissingError),
        (b"id_number\r\n\r\n", ListFileMissingError),
        (b"PK\x03\x04\x00\x00xl/workbook.xml", ListNotCsvError),
        ("身份证号\n1\n".encode("utf-16"), ListNotCsvError),
        (b"id_number\n\xff\xff\xff\n", ListNotCsvError),
        (b"name\n1\n", ListHeaderError),
        (b'"id_number\n1\n', ListHeaderError),
    ],
)
def test_a_file_of_another_kind_is_refused_at_once(
    content: bytes, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        read_file(content)


def test_a_file_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "LINES_MAX", 2)
    read_file(b"phone\n1\n2\n")
    read_file(b"phone\n1\n2")
    with pytest.raises(ListTooLongError):
        read_file(b"phone\n1\n2\n3")
    monkeypatch.setattr(csv_file, "BYTES_MAX", 8)
    with pytest.raises(ListTooLongError):
        read_file(b"phone\n1\n2\n")


def test_a_cell_may_hold_commas_quotes_and_line_breaks() -> None:
    got = records('phone,remark\n1,"a, ""b""\nand c"\n2,\n')
    assert [(one.cells, one.line_no) for one in got] == [
        (["phone", "remark"], 1),
        (["1", 'a, "b"\nand c'], 2),
        (["2", ""], 4),
    ]


def test_a_lost_quote_spoils_its_own_line_only() -> None:
    rows = "".join(f"{n},x\n" for n in range(2, 60))
    got = records(f'phone,remark\n1,"lost\n{rows}')
    assert [one.line_no for one in got if one.cells is None] == [2]
    assert len(got) == 60
    assert got[-1].cells == ["59", "x"]


def test_records_are_found_again_from_where_any_of_them_begins() -> None:
    content = 'phone,注\n1,"两\n行"\n2,\n\n3,完'.encode("gb18030")
    lines = content.splitlines(keepends=True)
    whole = list(read_records(lines, "gb18030"))
    for at, record in enumerate(whole):
        rest = content[record.next_byte :].splitlines(keepends=True)
        again = list(read_records(rest, "gb18030", line_no=record.next_line, byte=record.next_byte))
        assert again == whole[at + 1 :]
