"""Arrays as PostgreSQL reads them in text.

The driver writes each element of a list by itself, which costs a batch of claims more than all the
rest of its statement.
"""

from collections.abc import Iterable
from uuid import UUID


def array(elements: Iterable[object]) -> str:
    """The array of these elements, each of which is as PostgreSQL reads it already."""
    return "{" + ",".join(map(str, elements)) + "}"


def uuids(ids: Iterable[UUID | None]) -> str:
    """An array for `::uuid[]`."""
    return array("NULL" if id_ is None else id_.hex for id_ in ids)


def byteas(values: Iterable[bytes | None]) -> str:
    """An array for `::bytea[]`."""
    return array("NULL" if value is None else rf'"\\x{value.hex()}"' for value in values)
