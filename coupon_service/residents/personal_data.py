"""A resident's personal data in clear: sealing it under their own key, and opening it again.

Whoever opens somebody else's data for a person to look at, or to be used outside of this service,
records that with `record_read`. Masks do not count as reading.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.personal import DataKey, Vault
from coupon_service.residents.models import Resident, ResidentKey


@dataclass(frozen=True)
class Clear:
    """What a resident told about themselves. Never log, never show unmasked without a record."""

    phone: str | None
    name: str | None
    id_number: str | None

    def __repr__(self) -> str:
        return "Clear(…)"


def own_key(session: Session, vault: Vault, resident_id: UUID) -> DataKey:
    """The resident's data key, made when first wanted."""
    session.execute(
        insert(ResidentKey)
        .values(resident_id=resident_id, key_sealed=vault.new_data_key(resident_id))
        .on_conflict_do_nothing(index_elements=[ResidentKey.resident_id])
    )
    sealed = session.execute(
        select(ResidentKey.key_sealed).where(ResidentKey.resident_id == resident_id)
    ).scalar_one()
    return vault.data_key(resident_id, sealed)


def unseal(session: Session, vault: Vault, resident_id: UUID) -> Clear | None:
    """The resident's phone, name and document number in clear; None if there is no such resident.

    An erased resident has none of the three.
    """
    row = session.execute(
        select(
            Resident.phone_sealed,
            Resident.name_sealed,
            Resident.id_number_sealed,
            ResidentKey.key_sealed,
        )
        .outerjoin(ResidentKey, ResidentKey.resident_id == Resident.id)
        .where(Resident.id == resident_id)
    ).one_or_none()
    if row is None:
        return None
    phone, name, id_number, key_sealed = row
    # Data of before there were keys of one's own is the vault's.
    opener = vault.data_key(resident_id, key_sealed) if key_sealed else vault
    return Clear(
        phone=opener.open_text("phone", phone) if phone else None,
        name=opener.open_text("name", name) if name else None,
        id_number=opener.open_text("id_number", id_number) if id_number else None,
    )


def clear_phone(session: Session, vault: Vault, resident_id: UUID) -> str | None:
    """Where a text message to the resident goes; None if they have no phone."""
    found = unseal(session, vault, resident_id)
    return found.phone if found else None
