"""Reads a season's files into rows, each with its place. Collects faults and never stops at one."""

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from coupon_service.simulation.season.ar_rows import AnchorRow, GoodRow, ProviderRow, SceneRow
from coupon_service.simulation.season.faults import Fault, field_sentence, shown, unknown_name
from coupon_service.simulation.season.rows import (
    AwardRow,
    BoardRow,
    CampaignRow,
    CodeRow,
    DistrictRow,
    DrawRow,
    EventRow,
    GroupRow,
    MerchantRow,
    ReleaseRow,
    SeasonRow,
    SeriesRow,
    StoreRow,
    StreetRow,
    VocabularyRow,
    WaitingRoomRow,
)
from coupon_service.simulation.season.toml_lines import index_lines

FILE_BYTES_MAX = 4 * 1024 * 1024
ROWS_MAX = 20_000
CELL_SEPARATOR = "|"
NOTE_MARK = "#"

# The tables of each TOML file; a `[table]` comes once, a `[[table]]` often.
TOML_FILES: Mapping[str, Mapping[str, tuple[type, bool]]] = {
    "season.toml": {
        "district": (DistrictRow, False),
        "season": (SeasonRow, False),
        "vocabulary": (VocabularyRow, False),
        "streets": (StreetRow, True),
        "boards": (BoardRow, True),
        "series": (SeriesRow, True),
    },
    "campaigns.toml": {"campaigns": (CampaignRow, True)},
    "ways.toml": {
        "draws": (DrawRow, True),
        "codes": (CodeRow, True),
        "awards": (AwardRow, True),
        "groups": (GroupRow, True),
        "waiting_rooms": (WaitingRoomRow, True),
    },
    "ar.toml": {
        "providers": (ProviderRow, True),
        "anchors": (AnchorRow, True),
        "scenes": (SceneRow, True),
        "goods": (GoodRow, True),
    },
}
CSV_FILES: Mapping[str, type] = {
    "events.csv": EventRow,
    "merchants.csv": MerchantRow,
    "stores.csv": StoreRow,
    "releases.csv": ReleaseRow,
}
FILES = (*TOML_FILES, *CSV_FILES)

R = TypeVar("R")


@dataclass(frozen=True)
class Placed(Generic[R]):
    """A row and where it stands. `lines` has the fields that stand on lines of their own."""

    row: R
    file: str
    line: int
    lines: Mapping[str, int] = field(default_factory=dict)

    def fault(self, sentence: str, at: str = "") -> Fault:
        """A fault of this row, on the line of its field `at` where that is known."""
        return Fault(self.file, self.lines.get(at, self.line), sentence)


@dataclass
class Draft:
    """What could be read, and what was wrong with the rest.

    Attributes:
        keys: of each kind, every code (or name) met, those of faulty rows too: a reference to a
            row that is itself at fault is no second fault.
        unread: kinds of which at least one row, or the whole file, could not be read.
    """

    faults: list[Fault] = field(default_factory=list)
    unread: set[type] = field(default_factory=set)
    keys: dict[type, set[str]] = field(default_factory=dict)
    _rows: dict[type, list[Placed[Any]]] = field(default_factory=dict)

    def rows(self, kind: type[R]) -> list[Placed[R]]:
        return self._rows.get(kind, [])

    def only(self, kind: type[R]) -> Placed[R] | None:
        """The row of a kind that comes once; None when it could not be read."""
        return next(iter(self.rows(kind)), None)

    def add(self, kind: type, raw: Mapping[str, object], place: Placed[None]) -> None:
        """Read one row from its raw values, noting every fault of every field."""
        key = raw.get("code", raw.get("name"))
        if isinstance(key, str):
            self.keys.setdefault(kind, set()).add(key)
        known = [f.name for f in fields(kind)]
        strange = [name for name in raw if name not in known]
        found = [place.fault(unknown_name("the field", name, known), name) for name in strange]
        try:
            row = _adapter(kind).validate_python({k: v for k, v in raw.items() if k in known})
        except ValidationError as error:
            for one in error.errors(include_url=False):
                name = str(one["loc"][0])
                found.append(place.fault(field_sentence(name, one), name))
        if found:
            self.faults += found
            self.unread.add(kind)
            return
        self._rows.setdefault(kind, []).append(Placed(row, place.file, place.line, place.lines))


def read_tables(folder: Path) -> Draft:
    """Read every file of a season folder."""
    draft = Draft()
    for name, tables in TOML_FILES.items():
        text = _read_text(draft, folder / name)
        if text is None or not _read_toml(draft, name, text):
            draft.unread.update(kind for kind, _ in tables.values())
    for name, kind in CSV_FILES.items():
        text = _read_text(draft, folder / name)
        if text is None or not _read_csv(draft, name, kind, text):
            draft.unread.add(kind)
    return draft


def _read_text(draft: Draft, path: Path) -> str | None:
    if not path.is_file():
        draft.faults.append(Fault(path.name, 1, "the file is missing."))
        return None
    with path.open("rb") as file:
        raw = file.read(FILE_BYTES_MAX + 1)
    if len(raw) > FILE_BYTES_MAX:
        draft.faults.append(
            Fault(path.name, 1, f"the file is larger than {FILE_BYTES_MAX:,} bytes.")
        )
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        draft.faults.append(Fault(path.name, line, "the text is not UTF-8."))
        return None


def _read_toml(draft: Draft, name: str, text: str) -> bool:
    try:
        document = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or an integer of too many digits
        message = str(error)
        at = re.search(r"\(at line (\d+), column (\d+)\)$", message)
        line = int(at[1]) if at else text.count("\n") + 1
        reason = message.partition(" (at ")[0]
        draft.faults.append(Fault(name, line, f"this is not valid TOML: {reason}."))
        return False
    except RecursionError:
        draft.faults.append(Fault(name, 1, "this is nested too deeply."))
        return False
    index = index_lines(text)
    tables = TOML_FILES[name]
    for key in document.keys() - tables.keys():
        sentence = unknown_name("the table", key, list(tables))
        draft.faults.append(Fault(name, index.line_of(key, 0), sentence))
    for key, (kind, is_many) in tables.items():
        if key not in document:
            header = _header(key, is_many=is_many)
            draft.faults.append(Fault(name, 1, f"there is no {header}."))
            draft.unread.add(kind)
            continue
        raw = document[key]
        is_right = isinstance(raw, list) == is_many
        for number, entry in enumerate(raw[:ROWS_MAX] if is_right and is_many else [raw]):
            path = (key, number) if is_many else (key,)
            place = Placed(None, name, index.line_of(*path))
            if is_right and isinstance(entry, dict):
                lines = {key_name: index.line_of(*path, key_name) for key_name in entry}
                draft.add(kind, entry, replace(place, lines=lines))
            else:
                header = _header(key, is_many=is_many)
                draft.faults.append(place.fault(f"`{key}` must be written as {header}."))
                draft.unread.add(kind)
    return True


def _header(key: str, *, is_many: bool) -> str:
    return f"[[{key}]]" if is_many else f"[{key}]"


def _read_csv(draft: Draft, name: str, kind: type, text: str) -> bool:
    known = [f.name for f in fields(kind)]
    needed = [f.name for f in fields(kind) if f.default is MISSING]
    faults_before = len(draft.faults)
    header: list[str] | None = None
    for line, cells in _records(draft, name, text):
        if header is None:
            header = cells
            if not _check_header(draft, Placed(None, name, line), header, known, needed):
                return False
        elif len(cells) != len(header):
            draft.faults.append(
                Fault(name, line, f"the row has {len(cells)} cells, the header {len(header)}.")
            )
        else:
            raw = {
                column: _cell(kind, column, cell)
                for column, cell in zip(header, cells, strict=True)
            }
            # An empty cell is an absent value: its field is missing, or takes its default.
            present = {column: value for column, value in raw.items() if value is not None}
            draft.add(kind, present, Placed(None, name, line))
    if header is None:
        draft.faults.append(Fault(name, 1, "the file is empty."))
    return len(draft.faults) == faults_before


def _check_header(
    draft: Draft, place: Placed[None], header: list[str], known: list[str], needed: list[str]
) -> bool:
    found = [unknown_name("the column", column, known) for column in header if column not in known]
    found += [f"the column `{column}` is missing." for column in needed if column not in header]
    twice = sorted({column for column in header if header.count(column) > 1})
    found += [f"the column {shown(column)} stands twice." for column in twice]
    draft.faults += [place.fault(sentence) for sentence in found]
    return not found


def _records(draft: Draft, name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV text, each with the line it begins on; blank ones and notes left out."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for count, cells in enumerate(reader):
            if count > ROWS_MAX:
                draft.faults.append(Fault(name, begins, f"there are more than {ROWS_MAX:,} rows."))
                return
            if any(cells) and not cells[0].startswith(NOTE_MARK):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        draft.faults.append(Fault(name, begins, f"this is not valid CSV: {error}."))


_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?[0-9]{1,3}\.[0-9]{1,8}")


def _cell(kind: type, column: str, cell: str) -> object:
    """A cell as its column's type; text that does not fit is left for the row's check to refuse."""
    wanted = _cell_types(kind)[column]
    if wanted is tuple:
        return tuple(cell.split(CELL_SEPARATOR)) if cell else ()
    if cell == "":
        return None
    if wanted is int and _WHOLE.fullmatch(cell):
        return int(cell)
    if wanted is float and _DECIMAL.fullmatch(cell):
        return float(cell)
    if wanted is bool and cell in ("yes", "no"):
        return cell == "yes"
    return cell


@cache
def _cell_types(kind: type) -> Mapping[str, type]:
    hints = get_type_hints(kind)
    return {name: get_origin(hint) or hint for name, hint in hints.items()}


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
