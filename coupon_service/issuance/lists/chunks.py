"""The sealed pieces of an uploaded file. Each is bound to its list and its place in the file."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.personal import Vault
from coupon_service.issuance.lists.models import ListChunk

CHUNK_BYTES = 256 * 1024


def seal_chunk(vault: Vault, list_id: UUID, number: int, clear: bytes) -> bytes:
    """Seal piece `number` of the list's file."""
    return vault.seal(_field(list_id, number), clear)


def read_lines(session: Session, vault: Vault, list_id: UUID, *, byte: int) -> Iterator[bytes]:
    """The file's lines from the one that begins at `byte`, with their line feeds.

    Raises:
        cryptography.exceptions.InvalidTag: a piece was altered or moved.
    """
    number, skip = divmod(byte, CHUNK_BYTES)
    rest = b""
    while True:
        sealed = session.execute(
            select(ListChunk.sealed).where(ListChunk.list_id == list_id, ListChunk.number == number)
        ).scalar_one_or_none()
        if sealed is None:
            break
        lines = (rest + vault.open(_field(list_id, number), sealed)[skip:]).split(b"\n")
        rest = lines.pop()
        yield from (line + b"\n" for line in lines)
        number, skip = number + 1, 0
    if rest:
        yield rest


def _field(list_id: UUID, number: int) -> str:
    return f"list-file:{list_id.hex}:{number}"
