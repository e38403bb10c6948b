"""Import a list, so many lines at a time. Each run is one transaction, so no line counts twice."""

from collections.abc import Mapping
from datetime import date, datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date
from coupon_service.core.personal import Vault
from coupon_service.issuance.lists.chunks import read_lines
from coupon_service.issuance.lists.csv_file import Record, columns_of, read_records
from coupon_service.issuance.lists.models import (
    Fault,
    ListChunk,
    ListFault,
    ListMember,
    ListState,
    ResidentList,
)
from coupon_service.issuance.lists.person import Columns, Person, read_person

LINES_PER_RUN = 10_000

# Of two lines with the same person the first stays, also within one run: rows go in in this order.
_ADD = text(
    """
    INSERT INTO resident_list_members (person_index, list_id, kind, line_no)
    SELECT person_index, :list_id, kind, line_no
    FROM unnest(CAST(:indexes AS bytea[]), CAST(:kinds AS text[]), CAST(:lines AS bigint[]))
         AS w(person_index, kind, line_no)
    ORDER BY line_no
    ON CONFLICT (person_index, list_id) DO NOTHING
    RETURNING line_no
    """
)


def import_lines(session: Session, vault: Vault, list_id: UUID, *, now: datetime) -> bool:
    """Deal with the list's next lines; returns whether there are more.

    Raises:
        cryptography.exceptions.InvalidTag: the stored file was altered.
    """
    found = session.execute(
        select(ResidentList)
        .where(ResidentList.id == list_id, ResidentList.state == ListState.IMPORTING)
        .with_for_update()
    ).scalar_one_or_none()
    if found is None:
        return False
    columns = _columns(session, vault, found)
    lines = read_lines(session, vault, list_id, byte=found.next_byte)
    records = read_records(lines, found.encoding, line_no=found.next_line, byte=found.next_byte)
    said = {}
    for record in islice(records, LINES_PER_RUN):
        found.next_line, found.next_byte = record.next_line, record.next_byte
        if record.line_no > 1 and not record.is_blank:
            said[record.line_no] = _read(record, columns, local_date(now))
    _store(session, vault, found, said)
    found.touched_at = now
    if found.next_byte < found.file_bytes:
        return True
    found.state = ListState.READY
    session.execute(delete(ListChunk).where(ListChunk.list_id == list_id))
    return False


def _columns(session: Session, vault: Vault, found: ResidentList) -> Columns:
    header = next(read_records(read_lines(session, vault, found.id, byte=0), found.encoding))
    columns = columns_of(header)
    assert columns is not None  # the upload has looked
    return columns


def _store(
    session: Session, vault: Vault, found: ResidentList, said: Mapping[int, Person | Fault]
) -> None:
    people = {
        line: (vault.index(person.kind, person.normalised), person.kind)
        for line, person in said.items()
        if isinstance(person, Person)
    }
    faults: dict[int, tuple[Fault, int | None]] = {
        line: (fault, None) for line, fault in said.items() if not isinstance(fault, Person)
    }
    repeats = _add(session, found.id, people)
    faults |= {line: (Fault.DUPLICATE, first) for line, first in repeats.items()}
    if faults:
        session.execute(
            insert(ListFault),
            [
                {"list_id": found.id, "line_no": line, "fault": fault, "same_as_line": first}
                for line, (fault, first) in faults.items()
            ],
        )
    found.line_count += len(said)
    found.member_count += len(people) - len(repeats)
    found.fault_count += len(faults)


def _read(record: Record, columns: Columns, today: date) -> Person | Fault:
    if record.cells is None:
        return Fault.UNREADABLE
    return read_person(record.cells, columns, today)


def _add(
    session: Session, list_id: UUID, people: Mapping[int, tuple[bytes, str]]
) -> dict[int, int]:
    """Put the people on the list; returns the lines that repeat one, with the line they repeat."""
    if not people:
        return {}
    added = set(
        session.scalars(
            _ADD,
            {
                "list_id": list_id,
                "indexes": [index for index, _ in people.values()],
                "kinds": [kind for _, kind in people.values()],
                "lines": list(people),
            },
        )
    )
    repeats = {line: index for line, (index, _) in people.items() if line not in added}
    if not repeats:
        return {}
    rows = session.execute(
        select(ListMember.person_index, ListMember.line_no).where(
            ListMember.list_id == list_id, ListMember.person_index.in_(set(repeats.values()))
        )
    )
    first = {index: line for index, line in rows}  # noqa: C416  # rows are no pairs to the types
    return {line: first[index] for line, index in repeats.items()}
