"""Residents, without the sign-in that brings them in real life."""

import os
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.ids import new_id
from coupon_service.residents.models import Resident


def make_resident(session: Session) -> UUID:
    """A resident whose real name is known; returns the id. Sealed columns hold random bytes."""
    resident = Resident(
        id=new_id(),
        phone_sealed=os.urandom(40),
        phone_index=os.urandom(32),
        name_sealed=os.urandom(40),
        id_number_sealed=os.urandom(40),
        id_number_index=os.urandom(32),
        verified_at=db_now(session),
    )
    session.add(resident)
    session.flush()
    return resident.id
