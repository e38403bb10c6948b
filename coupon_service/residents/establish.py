"""Find, or make, the resident whom a document belongs to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from coupon_service.core.personal import DataKey, Vault
from coupon_service.residents.documents import Document
from coupon_service.residents.models import Resident, ResidentKey
from coupon_service.residents.personal_data import own_key, unseal

# Emitted with `resident_id` whenever a real name becomes known, whoever told it.
VERIFIED = "residents.verified"


@dataclass(frozen=True)
class Established:
    """A resident with a known identity.

    Attributes:
        is_new: made, or brought back after an erasure, just now.
        same_name: what was given is the name that is known.
        has_phone: they can sign in and speak for themselves.
    """

    id: UUID
    is_new: bool
    same_name: bool
    has_phone: bool


def establish(
    session: Session, vault: Vault, name: str, document: Document, *, now: datetime
) -> Established:
    """The resident of the document; made without a phone if there is none. Locks the row.

    An erased one comes back under the old id, so that what was claimed before still counts.
    """
    index = index_of(vault, document)
    resident_id = new_id()
    # The key cannot be stored before the row it belongs to, so it is made beside it.
    key_sealed = vault.new_data_key(resident_id)
    made = session.execute(
        insert(Resident)
        .values(
            id=resident_id,
            verified_at=now,
            **identity(vault, vault.data_key(resident_id, key_sealed), name, document),
        )
        .on_conflict_do_nothing(index_elements=[Resident.id_number_index])
        .returning(Resident.id)
    ).scalar_one_or_none()
    if made is not None:
        session.execute(insert(ResidentKey).values(resident_id=made, key_sealed=key_sealed))
        emit(session, VERIFIED, resident_id=made)
        return Established(made, is_new=True, same_name=True, has_phone=False)
    found = session.execute(
        select(Resident)
        .where(Resident.id_number_index == index)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one()
    if found.erased_at is not None:
        revive(session, vault, found.id, name, document, now=now)
        return Established(found.id, is_new=True, same_name=True, has_phone=False)
    known = unseal(session, vault, found.id)
    return Established(
        found.id,
        is_new=False,
        same_name=known is not None and known.name == name,
        has_phone=found.phone_index is not None,
    )


def revive(
    session: Session,
    vault: Vault,
    resident_id: UUID,
    name: str,
    document: Document,
    *,
    now: datetime,
) -> None:
    """Bring an erased resident back under a new data key."""
    key = own_key(session, vault, resident_id)
    session.execute(
        update(Resident)
        .where(Resident.id == resident_id)
        .values(erased_at=None, verified_at=now, **identity(vault, key, name, document))
    )
    emit(session, VERIFIED, resident_id=resident_id)


def identity(vault: Vault, key: DataKey, name: str, document: Document) -> dict[str, Any]:
    """The columns that say who a resident is."""
    return {
        "name_sealed": key.seal_text("name", name),
        "id_number_sealed": key.seal_text("id_number", document.number),
        "id_number_index": index_of(vault, document),
        "id_kind": document.kind,
        "born_on": document.born_on,
        "area_code": document.area_code,
    }


def index_of(vault: Vault, document: Document) -> bytes:
    """What limits count a person by."""
    return vault.index("id_number", document.normal)
