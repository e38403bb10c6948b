"""Shared reads of claim codes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.personal import Vault
from coupon_service.issuance.codes.code_text import index_of, normalised
from coupon_service.issuance.codes.errors import ClaimCodeNotGoodError
from coupon_service.issuance.codes.models import ClaimCode, ClaimCodeUse


def code_typed(session: Session, vault: Vault, typed: str) -> ClaimCode:
    """The code somebody typed, whatever has become of it.

    Raises:
        ClaimCodeNotGoodError: there is none like that.
    """
    code = normalised(typed)
    found = (
        code
        and session.scalars(
            select(ClaimCode).where(ClaimCode.code_index == index_of(vault, code))
        ).one_or_none()
    )
    if not found:
        raise ClaimCodeNotGoodError
    return found


def is_good(code: ClaimCode, now: datetime) -> bool:
    """Whether the code would bring somebody new a voucher, as far as it goes."""
    return code.valid_from <= now < code.valid_until and code.uses < code.uses_max


def used_for(session: Session, code_id: UUID, resident_id: UUID) -> UUID | None:
    """The voucher this code has brought the resident."""
    return session.execute(
        select(ClaimCodeUse.voucher_id).where(
            ClaimCodeUse.code_id == code_id, ClaimCodeUse.resident_id == resident_id
        )
    ).scalar_one_or_none()


def codes_of(session: Session, release_id: UUID) -> Sequence[ClaimCode]:
    """The codes of a release, the newest first."""
    return session.scalars(
        select(ClaimCode)
        .where(ClaimCode.release_id == release_id)
        .order_by(ClaimCode.created_at.desc(), ClaimCode.id)
    ).all()
