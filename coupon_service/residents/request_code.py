"""Make a one-time code for a phone."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.residents.errors import TooManyCodesError
from coupon_service.residents.models import SignInCode

CODE_DIGITS = 6
# The last defence against flooding a phone; it holds when the rate limits' Redis is away.
CODES_PER_PHONE_H = 10


def request_code(session: Session, vault: Vault, phone: str, *, now: datetime, ttl_s: int) -> str:
    """A new code for the phone, whether or not it is known; earlier ones no longer count.

    The caller sends it after COMMIT. Only a keyed hash is kept.

    Raises:
        TooManyCodesError: the phone got `CODES_PER_PHONE_H` within the last hour.
    """
    phone_index = vault.index("phone", phone)
    recent = session.execute(
        select(func.count())
        .select_from(SignInCode)
        .where(
            SignInCode.phone_index == phone_index,
            SignInCode.created_at > now - timedelta(hours=1),
        )
    ).scalar_one()
    if recent >= CODES_PER_PHONE_H:
        raise TooManyCodesError(retry_after_s=3600)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    row = SignInCode(
        id=new_id(),
        phone_index=phone_index,
        created_at=now,
        expires_at=now + timedelta(seconds=ttl_s),
    )
    row.code_hash = code_hash(vault, row, code)
    session.add(row)
    session.flush()
    return code


def code_hash(vault: Vault, row: SignInCode, code: str) -> bytes:
    """A keyed hash bound to its row, so that equal codes do not look equal."""
    return vault.index("sign-in-code", f"{row.id.hex}:{code}")
