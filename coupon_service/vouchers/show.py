"""Show a voucher to a till: a fresh token, and the digits that say the same."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy.orm import Session

from coupon_service.core.personal import derive_key
from coupon_service.core.resources import resources
from coupon_service.vouchers.keys import Keyring, keyring
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.queries import facts_of
from coupon_service.vouchers.token import NO_PHONE, VoucherFacts, issue_token
from coupon_service.vouchers.typed_code import typed_code

_EXTENSION = "vouchers.typed_code_key"


@dataclass(frozen=True)
class Shown:
    token: str
    token_expires_at: datetime
    typed_code: str


def show(
    session: Session, voucher: Voucher, *, now: datetime, phone_key: bytes = NO_PHONE
) -> Shown:
    """A fresh token and typed code of a voucher whose terms are loaded.

    `phone_key` is that of the phone that will show it (`phones.key_to_show_with`). A token with one
    lives longer, because the phone's proof is what keeps it fresh.
    """
    facts = replace(facts_of(voucher), phone_key=phone_key)
    return show_facts(keyring(session), facts, voucher.seat, now=now)


def show_facts(ring: Keyring, facts: VoucherFacts, seat: int, *, now: datetime) -> Shown:
    """The same of what is known of a voucher and of the phone that will show it. Asks nobody."""
    settings = resources().settings
    ttl_s = settings.token_ttl_s if facts.phone_key == NO_PHONE else settings.bound_token_ttl_s
    return Shown(
        token=issue_token(ring, facts, now=now, ttl_s=ttl_s),
        token_expires_at=now + timedelta(seconds=ttl_s),
        typed_code=typed_code(typed_code_key(), facts.release_number, seat),
    )


def typed_code_key() -> bytes:
    """The key of this deployment's typed codes."""
    found: bytes | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        secret = resources().settings.secret_key.get_secret_value()
        found = current_app.extensions[_EXTENSION] = derive_key(secret, "typed-code/1")
    return found
