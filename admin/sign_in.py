"""An official signs in: password, and a one-time code of their authenticator (TOTP, RFC 6238)."""

import hmac
from datetime import datetime

import pyotp
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from admin.enrol import TOTP_FIELD
from admin.errors import SignInRefusedError
from admin.models import Official
from coupon_service.core.auth import Kind, Principal
from coupon_service.core.passwords import verify_password
from coupon_service.core.personal import Vault

STEP_S = 30
# Clocks of phones may be a step off, either way.
_STEPS_OFF = (0, -1, 1)


def sign_in(
    session: Session, vault: Vault, *, username: str, password: str, code: str, now: datetime
) -> Principal:
    """The official whose password and code these are; the code is used up.

    Raises:
        SignInRefusedError: one answer for every reason, after the same time.
    """
    official = session.execute(
        select(Official).where(Official.username == username.lower())
    ).scalar_one_or_none()
    if not verify_password(official.password_hash if official else None, password):
        raise SignInRefusedError
    assert official is not None  # nobody's password never fits
    step = _step_of(_totp(vault, official), code, now)
    if step is None or not _use_up(session, official, step):
        raise SignInRefusedError
    return Principal(Kind(official.role), official.id, district_id=official.district_id)


def usable_code(vault: Vault, official: Official, now: datetime) -> str:
    """A code that would be accepted now. For the sign-in page of a development service only."""
    current = int(now.timestamp()) // STEP_S
    unused = (official.totp_last_step or 0) + 1
    return str(_totp(vault, official).generate_otp(min(max(current, unused), current + 1)))


def _totp(vault: Vault, official: Official) -> pyotp.TOTP:
    return pyotp.TOTP(vault.open_text(TOTP_FIELD, official.totp_sealed), interval=STEP_S)


def _step_of(totp: pyotp.TOTP, code: str, now: datetime) -> int | None:
    current = int(now.timestamp()) // STEP_S
    matches = (
        step
        for step in (current + off for off in _STEPS_OFF)
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
    )
    return next(matches, None)


def _use_up(session: Session, official: Official, step: int) -> bool:
    """A code is good once, also for two requests at the same moment."""
    used = session.execute(
        update(Official)
        .where(
            Official.id == official.id,
            or_(Official.totp_last_step.is_(None), Official.totp_last_step < step),
        )
        .values(totp_last_step=step)
        .returning(Official.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    return used is not None
