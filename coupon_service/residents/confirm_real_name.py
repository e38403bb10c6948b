"""Confirm a resident's real name: one identity number, one resident."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date
from coupon_service.core.personal import Vault
from coupon_service.residents.errors import RealNameRefusedError
from coupon_service.residents.id_number import read_id_number
from coupon_service.residents.models import Resident
from coupon_service.residents.names import normalise_name


def confirm_real_name(
    session: Session, vault: Vault, resident_id: UUID, name: str, id_number: str, *, now: datetime
) -> None:
    """Seal name and number on the resident. Saying the same number again changes nothing.

    Raises:
        InvalidNameError, InvalidIdNumberError: not well formed.
        RealNameRefusedError: the number is another resident's, or the resident has another one.
    """
    known_as = normalise_name(name)
    number = read_id_number(id_number, local_date(now))
    index = vault.index("id_number", number.digits)
    try:
        with session.begin_nested():
            confirmed = session.execute(
                update(Resident)
                .where(Resident.id == resident_id, Resident.verified_at.is_(None))
                .values(
                    name_sealed=vault.seal_text("name", known_as),
                    id_number_sealed=vault.seal_text("id_number", number.digits),
                    id_number_index=index,
                    born_on=number.born_on,
                    area_code=number.digits[:6],
                    verified_at=now,
                )
                .returning(Resident.id)
            ).scalar_one_or_none()
    except IntegrityError:  # the unique index on the number has decided
        raise RealNameRefusedError from None
    if confirmed is not None:
        return
    mine = session.execute(
        select(Resident.id).where(Resident.id == resident_id, Resident.id_number_index == index)
    ).scalar_one_or_none()
    if mine is None:
        raise RealNameRefusedError
