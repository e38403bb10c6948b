"""Shared reads of residents. What leaves here is masked."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.errors import NotSignedInError
from coupon_service.core.personal import Vault
from coupon_service.residents.id_number import mask_id_number
from coupon_service.residents.models import Resident
from coupon_service.residents.names import mask_name, mask_phone


@dataclass(frozen=True)
class MaskedResident:
    """What a resident sees of their own data."""

    id: UUID
    verified: bool
    phone: str
    name: str | None
    id_number: str | None


def masked(session: Session, vault: Vault, resident_id: UUID) -> MaskedResident:
    """A resident's own data, masked.

    Raises:
        NotSignedInError: the resident no longer exists.
    """
    found = session.get(Resident, resident_id)
    if found is None:
        raise NotSignedInError
    name, number = found.name_sealed, found.id_number_sealed
    return MaskedResident(
        id=found.id,
        verified=found.verified_at is not None,
        phone=mask_phone(vault.open_text("phone", found.phone_sealed)),
        name=mask_name(vault.open_text("name", name)) if name else None,
        id_number=mask_id_number(vault.open_text("id_number", number)) if number else None,
    )
