"""Officials' CSV files: their encoding, and their records from any byte a record begins at."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from coupon_service.core.csv_cells import BOM
from coupon_service.issuance.lists.errors import (
    ListFileMissingError,
    ListHeaderError,
    ListNotCsvError,
    ListTooLongError,
)
from coupon_service.issuance.lists.person import Columns, find_columns

BYTES_MAX = 32 * 1024 * 1024
LINES_MAX = 500_000
# Line feeds, commas and quotes are single bytes in both, and never part of another character, so
# that a file can be cut at them before it is decoded.
ENCODINGS = ("utf-8", "gb18030")
# A cell with line breaks spreads over so many lines at most; else a lost quote would eat the file.
_LINES_PER_RECORD_MAX = 20


@dataclass(frozen=True)
class ListFile:
    """A file that can be imported. Its lines end in line feeds."""

    content: bytes
    encoding: str


@dataclass(frozen=True)
class Record:
    """A record of a file.

    Attributes:
        cells: none if the record is not CSV.
        line_no: its first line, from 1.
        next_line, next_byte: where the next record begins.
    """

    cells: list[str] | None
    line_no: int
    next_line: int
    next_byte: int

    @property
    def is_blank(self) -> bool:
        return self.cells is not None and not any(cell.strip() for cell in self.cells)


def read_file(content: bytes) -> ListFile:
    """Look at an upload before it is kept.

    Raises:
        ListFileMissingError, ListTooLongError, ListNotCsvError, ListHeaderError
    """
    if len(content) > BYTES_MAX:
        raise ListTooLongError(lines_max=LINES_MAX, bytes_max=BYTES_MAX)
    if not content.strip():
        raise ListFileMissingError
    if b"\0" in content:  # a workbook, or UTF-16
        raise ListNotCsvError
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    encoding = _encoding(content)
    records = read_records(_first_lines(content), encoding)
    header = next(records)
    if columns_of(header) is None:
        raise ListHeaderError
    if not content[header.next_byte :].strip():
        raise ListFileMissingError
    if content.count(b"\n", 0, len(content) - 1) > LINES_MAX:
        raise ListTooLongError(lines_max=LINES_MAX, bytes_max=BYTES_MAX)
    return ListFile(content, encoding)


def columns_of(header: Record) -> Columns | None:
    """Where the file with this first record has its numbers."""
    return find_columns(header.cells) if header.cells is not None else None


def read_records(
    lines: Iterable[bytes], encoding: str, *, line_no: int = 1, byte: int = 0
) -> Iterator[Record]:
    """The records of lines that begin at `line_no` and `byte`.

    A record goes on while a quote is open. One whose quote never closes is its first line alone.
    """
    source = iter(lines)
    ahead: deque[bytes] = deque()

    def next_line() -> bytes | None:
        return ahead.popleft() if ahead else next(source, None)

    while (line := next_line()) is not None:
        taken = [line]
        cells = _cells(line, encoding)
        while cells is None and len(taken) < _LINES_PER_RECORD_MAX:
            if (line := next_line()) is None:
                break
            taken.append(line)
            cells = _cells(b"".join(taken), encoding)
        if cells is None:
            ahead.extendleft(reversed(taken[1:]))
            del taken[1:]
        byte += sum(map(len, taken))
        yield Record(cells, line_no, line_no + len(taken), byte)
        line_no += len(taken)


def _cells(raw: bytes, encoding: str) -> list[str] | None:
    """The cells of one record, or None if it is none, perhaps because it goes on."""
    try:
        rows = list(csv.reader([raw.decode(encoding).removeprefix(BOM)], strict=True))
    except csv.Error:
        return None
    return rows[0] if rows else []


def _first_lines(content: bytes) -> list[bytes]:
    *whole, rest = content.split(b"\n", _LINES_PER_RECORD_MAX)
    return [*(line + b"\n" for line in whole), *([rest] if rest else [])]


def _encoding(content: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise ListNotCsvError
