"""Upload a list: keep the file sealed, and ask for its import."""

from hashlib import sha256
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit_job
from coupon_service.core.personal import Vault
from coupon_service.issuance.lists.chunks import CHUNK_BYTES, seal_chunk
from coupon_service.issuance.lists.csv_file import read_file
from coupon_service.issuance.lists.models import ListChunk, ResidentList

IMPORT = "lists.import"


def upload_list(
    session: Session,
    vault: Vault,
    content: bytes,
    *,
    season_id: UUID,
    name: str,
    created_by: UUID | None,
) -> UUID:
    """Keep an official's file as a new list of the season; returns its id. A job reads the lines.

    Raises:
        ListFileMissingError, ListTooLongError, ListNotCsvError, ListHeaderError
    """
    file = read_file(content)
    list_id = new_id()
    session.add(
        ResidentList(
            id=list_id,
            season_id=season_id,
            name=name,
            encoding=file.encoding,
            file_sha256=sha256(content).hexdigest(),
            file_bytes=len(file.content),
            created_by=created_by,
        )
    )
    session.flush()
    pieces = range(0, len(file.content), CHUNK_BYTES)
    session.execute(
        insert(ListChunk),
        [
            {
                "list_id": list_id,
                "number": number,
                "sealed": seal_chunk(
                    vault, list_id, number, file.content[start : start + CHUNK_BYTES]
                ),
            }
            for number, start in enumerate(pieces)
        ],
    )
    emit_job(session, IMPORT, list_id=list_id)
    return list_id
