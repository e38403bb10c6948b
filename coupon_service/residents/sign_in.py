"""Sign a resident in by phone and one-time code."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.residents.check_code import check_code
from coupon_service.residents.models import Resident, ResidentKey


def sign_in(
    session: Session, vault: Vault, phone: str, code: str, *, now: datetime
) -> Resident | None:
    """The resident of the phone, made on the first sign-in; None if the code does not open it.

    None is an answer and not an exception, because the guess must be kept: commit it.
    """
    phone_index = vault.index("phone", phone)
    if not check_code(session, vault, phone_index, code, now=now):
        return None
    resident_id = new_id()
    key_sealed = vault.new_data_key(resident_id)
    phone_sealed = vault.data_key(resident_id, key_sealed).seal_text("phone", phone)
    made = session.execute(
        insert(Resident)
        .values(id=resident_id, phone_sealed=phone_sealed, phone_index=phone_index)
        .on_conflict_do_nothing(index_elements=[Resident.phone_index])
        .returning(Resident.id)
    ).scalar_one_or_none()
    if made is not None:
        session.execute(insert(ResidentKey).values(resident_id=made, key_sealed=key_sealed))
    return session.execute(select(Resident).where(Resident.phone_index == phone_index)).scalar_one()
