"""Register somebody who stands at a counter with their document, with or without a phone."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date
from coupon_service.core.personal import Vault
from coupon_service.residents.documents import DocumentKind, read_document
from coupon_service.residents.errors import RealNameRefusedError
from coupon_service.residents.establish import establish
from coupon_service.residents.models import Resident
from coupon_service.residents.names import normalise_name
from coupon_service.residents.personal_data import own_key


def register_at_counter(  # noqa: PLR0917  # who, with which document, and when
    session: Session,
    vault: Vault,
    name: str,
    id_number: str,
    phone: str | None,
    now: datetime,
    *,
    kind: DocumentKind = DocumentKind.RESIDENT_ID,
    born_on: date | None = None,
) -> UUID:
    """The resident of the document the official holds in hand, made if need be; returns the id.

    `phone` (eleven digits) is theirs from now on if they have none. The caller records the act, and
    the look-up with `record_read`.

    Raises:
        InvalidNameError, InvalidIdNumberError, BirthDateNeededError, InvalidBirthDateError
        RealNameRefusedError: the document is known under another name, or the phone is another's.
    """
    document = read_document(kind, id_number, born_on, local_date(now))
    found = establish(session, vault, normalise_name(name), document, now=now)
    if not found.same_name:
        raise RealNameRefusedError
    if phone is not None and not found.has_phone:
        _give_phone(session, vault, found.id, phone)
    return found.id


def _give_phone(session: Session, vault: Vault, resident_id: UUID, phone: str) -> None:
    key = own_key(session, vault, resident_id)
    try:
        with session.begin_nested():
            session.execute(
                update(Resident)
                .where(Resident.id == resident_id)
                .values(
                    phone_sealed=key.seal_text("phone", phone),
                    phone_index=vault.index("phone", phone),
                )
            )
    except IntegrityError:
        raise RealNameRefusedError from None
