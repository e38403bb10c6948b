"""Record that somebody looked at a resident's personal data in clear."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.residents.models import PersonalDataRead

# Why somebody looked. Pages say each in words (mobile/my_data_words.py).
PURPOSES = frozenset(
    {
        "own-view",
        "own-export",
        "counter-service",
        "counter-consent",
        "support",
        "fraud-case",
        "list-import",
    }
)


def record_read(
    session: Session,
    resident_id: UUID,
    *,
    reader_kind: str,
    reader_id: UUID | None,
    purpose: str,
    now: datetime,
) -> None:
    """Write one line of "谁看过我的信息", in the transaction that opens the data.

    Call it wherever a resident's name, phone or document number leaves the database unmasked for an
    official or for staff to see, and where an official looks a resident up by them.

    Args:
        reader_kind: a `core.auth.Kind`, such as `Kind.OFFICIAL`.
        reader_id: the official's id; the resident sees their role, the auditors the person.
        purpose: one of `PURPOSES`; the resident reads it in words.
    """
    assert purpose in PURPOSES
    session.add(
        PersonalDataRead(
            id=new_id(),
            resident_id=resident_id,
            reader_kind=str(reader_kind),
            reader_id=reader_id,
            purpose=purpose,
            at=now,
        )
    )
    session.flush()
