"""Reports about lists and grants, line by line, as CSV files for spreadsheets.

They name lines and never persons: whoever has the file finds the person there.
"""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from flask_babel import gettext
from sqlalchemy.orm import Session

from admin.list_words import NOT_REACHED, OUTCOMES, fault_sentence, refusal_sentence
from coupon_service.core.csv_cells import BOM, safe_cell
from coupon_service.issuance.lists.models import ResidentList
from coupon_service.issuance.lists.queries import Granting, OutcomeLine, faults_of, outcomes_of

_ROWS_PER_PIECE = 2_000


def faults_csv(session: Session, found: ResidentList) -> Iterator[str]:
    """The faulty lines of a list."""
    head = [
        [gettext("名单"), safe_cell(found.name)],
        [gettext("行号"), gettext("问题")],
    ]
    rows = ([fault.line_no, fault_sentence(fault)] for fault in faults_of(session, found.id))
    return _pieces(head, rows)


def outcomes_csv(session: Session, granting: Granting) -> Iterator[str]:
    """What became of each line of a grant's list."""
    head = [
        [gettext("名单"), safe_cell(granting.list.name)],
        [gettext("投放批次"), safe_cell(f"{granting.campaign.name} {granting.release.name}")],
        [gettext("行号"), gettext("结果"), gettext("原因")],
    ]
    return _pieces(head, map(_outcome, outcomes_of(session, granting.grant)))


def _outcome(line: OutcomeLine) -> list[object]:
    word = NOT_REACHED if line.outcome is None else OUTCOMES[line.outcome]
    return [line.line_no, gettext(word), refusal_sentence(line.slug) if line.slug else ""]


def _pieces(head: Iterable[list[object]], rows: Iterable[list[object]]) -> Iterator[str]:
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    out.write(BOM)
    writer.writerows(head)
    for number, row in enumerate(rows, 1):
        writer.writerow(row)
        if number % _ROWS_PER_PIECE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()
