"""The bank's answer, a CSV of `COLUMNS`: read whole and found without fault, or refused whole."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from uuid import UUID

from coupon_service.core.csv_cells import BOM
from coupon_service.core.money import parse_yuan
from merchants.settlement.errors import BankAnswerInvalidError

COLUMNS = ("batch_id", "position", "merchant", "amount_yuan", "result", "bank_reference")
BYTES_MAX = 8 * 1024 * 1024
FAULTS_SHOWN_MAX = 20

_POSITION = re.compile(r"[1-9][0-9]{0,8}")
_MERCHANT = re.compile(r"[!-~]{1,64}")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class AnswerLine:
    """What the bank says of one payout. `bank_reference` may be missing when it was rejected."""

    line: int
    batch_id: UUID
    position: int
    merchant_code: str
    amount_fen: int
    is_paid: bool
    bank_reference: str | None


@dataclass(frozen=True)
class LineFault:
    """Line of the file, from 1, and what is wrong there. Never what the line says."""

    line: int
    fault: str


def refusal(faults: list[LineFault]) -> BankAnswerInvalidError:
    """The refusal that names the first faults."""
    shown = [{"line": fault.line, "fault": fault.fault} for fault in faults[:FAULTS_SHOWN_MAX]]
    return BankAnswerInvalidError(fault_count=len(faults), faults=shown)


def read_answer(content: bytes) -> list[AnswerLine]:
    """The lines of an answer about one batch, in the file's order.

    Raises:
        BankAnswerInvalidError: any line is not as described.
    """
    if len(content) > BYTES_MAX:
        raise refusal([LineFault(1, f"the file is larger than {BYTES_MAX} bytes")])
    try:
        text = content.decode().removeprefix(BOM)
    except UnicodeDecodeError as error:
        bad_line = content.count(b"\n", 0, error.start) + 1
        raise refusal([LineFault(bad_line, "not UTF-8")]) from None
    faults: list[LineFault] = []
    lines = list(_lines(text, faults))
    if not lines and not faults:
        faults.append(LineFault(1, "no payout is answered"))
    faults += [
        LineFault(line.line, "another batch than the first line's")
        for line in lines[1:]
        if line.batch_id != lines[0].batch_id
    ]
    first_lines: dict[int, int] = {}
    for line in lines:
        first = first_lines.setdefault(line.position, line.line)
        if first != line.line:
            faults.append(LineFault(line.line, f"the position of line {first} again"))
    if faults:
        raise refusal(sorted(faults, key=lambda fault: fault.line))
    return lines


def _lines(text: str, faults: list[LineFault]) -> Iterator[AnswerLine]:
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            number = reader.line_num
            if number == 1 and tuple(row) != COLUMNS:
                faults.append(LineFault(1, f"the header must be {','.join(COLUMNS)}"))
                return
            if number == 1 or not row:
                continue
            read = _read(number, row)
            if isinstance(read, LineFault):
                faults.append(read)
            else:
                yield read
    except csv.Error:
        faults.append(LineFault(reader.line_num, "not CSV"))


def _read(line: int, row: list[str]) -> AnswerLine | LineFault:
    if len(row) != len(COLUMNS):
        return LineFault(line, f"needs {len(COLUMNS)} columns")
    batch, position, merchant, amount, result, reference = row
    try:
        batch_id = UUID(batch)
    except ValueError:
        return LineFault(line, "batch_id is not an id")
    if not _POSITION.fullmatch(position):
        return LineFault(line, "position is not a positive number")
    if not _MERCHANT.fullmatch(merchant):
        return LineFault(line, "merchant is not a code")
    try:
        amount_fen = parse_yuan(amount)
    except ValueError:
        return LineFault(line, "amount_yuan is not an amount such as 1234.50")
    if result not in ("paid", "rejected"):
        return LineFault(line, "result is neither paid nor rejected")
    if not _REFERENCE.fullmatch(reference) and (reference or result == "paid"):
        return LineFault(line, "bank_reference is missing or malformed")
    return AnswerLine(
        line, batch_id, int(position), merchant, amount_fen, result == "paid", reference or None
    )
