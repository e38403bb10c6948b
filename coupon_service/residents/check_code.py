"""Check a one-time code that was sent to a phone."""

import hmac
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coupon_service.core.personal import Vault
from coupon_service.residents.models import SignInCode
from coupon_service.residents.request_code import code_hash

GUESSES_MAX = 5


def check_code(
    session: Session, vault: Vault, phone_index: bytes, code: str, *, now: datetime
) -> bool:
    """Whether the code opens the phone; it is used up if so.

    False is an answer and not an exception, because the guess must be kept: commit it.
    """
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
        return False
    row.used_at = now
    session.flush()
    return True
