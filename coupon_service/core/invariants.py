"""What must hold at every moment, as functions that look for its violations.

Each package contributes the invariants of its own tables through its manifest. Tests, the
every-minute job and `coupon-service check` run the same list.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Violation:
    """One broken invariant: its name, and what was found instead. Ids and amounts only."""

    invariant: str
    found: str


Invariant = Callable[[Session], list[Violation]]


def violations(session: Session, invariants: Sequence[Invariant]) -> list[Violation]:
    """Everything that does not hold, in one snapshot of the database.

    The session's transaction must not have read anything yet: the first statement fixes the
    snapshot that all invariants are judged on.
    """
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    return [found for invariant in invariants for found in invariant(session)]


def sql_invariant(name: str, query: str) -> Invariant:
    """An invariant stated as a query that must return no row; each row is one violation."""

    def check(session: Session) -> list[Violation]:
        rows = session.execute(text(query)).mappings().fetchmany(20)
        return [
            Violation(name, ", ".join(f"{key}={value}" for key, value in row.items()))
            for row in rows
        ]

    return check
