"""Confirm a resident's real name: one identity, one resident."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date
from coupon_service.core.jobs import emit
from coupon_service.core.personal import Vault
from coupon_service.residents.documents import DocumentKind, read_document
from coupon_service.residents.errors import RealNameRefusedError
from coupon_service.residents.establish import VERIFIED, identity, index_of
from coupon_service.residents.models import Resident
from coupon_service.residents.names import normalise_name
from coupon_service.residents.personal_data import own_key
from coupon_service.residents.take_over import take_over


def confirm_real_name(
    session: Session,
    vault: Vault,
    resident_id: UUID,
    name: str,
    id_number: str,
    *,
    now: datetime,
    kind: DocumentKind = DocumentKind.RESIDENT_ID,
    born_on: date | None = None,
) -> UUID:
    """Seal name and number on the resident. Saying the same document again changes nothing.

    Returns the resident's id: another one than before if this person was known without a phone, as
    a child, through a relative, or before an erasure. The phone is then theirs, and the caller
    signs them in anew.

    Raises:
        InvalidNameError, InvalidIdNumberError, BirthDateNeededError, InvalidBirthDateError:
            not well formed.
        RealNameRefusedError: the document is another resident's, or the resident has another one.
    """
    known_as = normalise_name(name)
    document = read_document(kind, id_number, born_on, local_date(now))
    index = index_of(vault, document)
    try:
        with session.begin_nested():
            key = own_key(session, vault, resident_id)
            confirmed = session.execute(
                update(Resident)
                .where(Resident.id == resident_id, Resident.verified_at.is_(None))
                .values(verified_at=now, **identity(vault, key, known_as, document))
                .returning(Resident.id)
            ).scalar_one_or_none()
    except IntegrityError:  # the unique index on the number has decided
        return take_over(session, vault, resident_id, known_as, document, now=now)
    if confirmed is not None:
        emit(session, VERIFIED, resident_id=resident_id)
        return resident_id
    mine = session.execute(
        select(Resident.id).where(Resident.id == resident_id, Resident.id_number_index == index)
    ).scalar_one_or_none()
    if mine is None:
        raise RealNameRefusedError
    return resident_id
