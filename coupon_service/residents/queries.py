"""Shared reads of residents. What leaves here is masked."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.errors import NotSignedInError
from coupon_service.core.personal import Vault
from coupon_service.residents.documents import DocumentKind
from coupon_service.residents.id_number import mask_id_number
from coupon_service.residents.models import Resident
from coupon_service.residents.names import mask_name, mask_phone
from coupon_service.residents.personal_data import unseal


@dataclass(frozen=True)
class MaskedResident:
    """What a resident sees of their own data."""

    id: UUID
    verified: bool
    phone: str | None
    name: str | None
    id_number: str | None
    id_kind: DocumentKind


def masked(session: Session, vault: Vault, resident_id: UUID) -> MaskedResident:
    """A resident's own data, masked.

    Raises:
        NotSignedInError: the resident no longer exists.
    """
    found = session.get(Resident, resident_id)
    clear = unseal(session, vault, resident_id)
    if found is None or clear is None or found.erased_at is not None:
        raise NotSignedInError
    return MaskedResident(
        id=found.id,
        verified=found.verified_at is not None,
        phone=clear.phone and mask_phone(clear.phone),
        name=clear.name and mask_name(clear.name),
        id_number=clear.id_number and mask_id_number(clear.id_number),
        # Who confirmed a name before other documents were read had an ID card.
        id_kind=DocumentKind(found.id_kind or DocumentKind.RESIDENT_ID),
    )
