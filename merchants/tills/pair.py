"""Pair: a code that the owner reads out turns a browser into a till. Eight characters, once."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, Principal
from coupon_service.core.personal import Vault
from coupon_service.issuance.codes.code_text import fresh_code, normalised
from merchants.models import Merchant, Store, Till
from merchants.tills.errors import PairingCodeNotGoodError
from merchants.tills.models import TillPairing

GOOD_FOR = timedelta(minutes=10)
_FIELD = "till-pairing"


def make_pairing(
    session: Session, vault: Vault, till_id: UUID, *, made_by: UUID, now: datetime
) -> str:
    """A fresh code for the till, in its normal form; an earlier one works no longer.

    Only a keyed hash of it is kept. With 40 random bits, no two codes that are open at a time meet.
    """
    code = fresh_code()
    row = {
        "code_index": vault.index(_FIELD, code),
        "made_by": made_by,
        "expires_at": now + GOOD_FOR,
    }
    session.execute(
        insert(TillPairing)
        .values(till_id=till_id, **row)
        .on_conflict_do_update(index_elements=[TillPairing.till_id], set_=row)
    )
    return code


def pair(session: Session, vault: Vault, typed: str, *, now: datetime) -> tuple[Principal, UUID]:
    """Use the code: the till it stands for, and who made it.

    Raises:
        PairingCodeNotGoodError: it stands for nothing, or no longer, or for a till that is off.
    """
    code = normalised(typed)
    if code is None:
        raise PairingCodeNotGoodError
    used = session.execute(
        delete(TillPairing)
        .where(TillPairing.code_index == vault.index(_FIELD, code), TillPairing.expires_at > now)
        .returning(TillPairing.till_id, TillPairing.made_by)
    ).one_or_none()
    if used is None:
        raise PairingCodeNotGoodError
    till_id, made_by = used
    owner = session.execute(
        select(Merchant.id, Merchant.district_id)
        .join(Store, Store.merchant_id == Merchant.id)
        .join(Till, Till.store_id == Store.id)
        .where(Till.id == till_id, Till.is_active)
    ).one_or_none()
    if owner is None:
        raise PairingCodeNotGoodError
    merchant_id, district_id = owner
    return Principal(Kind.TILL, till_id, district_id=district_id, merchant_id=merchant_id), made_by
