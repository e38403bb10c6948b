"""Sign a resident in by phone and one-time code."""

import hmac
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.residents.models import Resident, SignInCode
from coupon_service.residents.request_code import code_hash

GUESSES_MAX = 5


def sign_in(
    session: Session, vault: Vault, phone: str, code: str, *, now: datetime
) -> Resident | None:
    """The resident of the phone, made on the first sign-in; None if the code does not open it.

    None is an answer and not an exception, because the guess must be kept: commit it.
    """
    phone_index = vault.index("phone", phone)
    latest = (
        select(SignInCode.id)
        .where(SignInCode.phone_index == phone_index)
        .order_by(SignInCode.created_at.desc(), SignInCode.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    # Counting the guess decides whether it may be looked at; parallel guesses wait for each other.
    row = session.execute(
        update(SignInCode)
        .where(
            SignInCode.id == latest,
            SignInCode.used_at.is_(None),
            SignInCode.expires_at > now,
            SignInCode.guesses < GUESSES_MAX,
        )
        .values(guesses=SignInCode.guesses + 1)
        .returning(SignInCode)
    ).scalar_one_or_none()
    if row is None or not hmac.compare_digest(row.code_hash, code_hash(vault, row, code)):
        return None
    row.used_at = now
    session.execute(
        insert(Resident)
        .values(id=new_id(), phone_sealed=vault.seal_text("phone", phone), phone_index=phone_index)
        .on_conflict_do_nothing(index_elements=[Resident.phone_index])
    )
    return session.execute(select(Resident).where(Resident.phone_index == phone_index)).scalar_one()
