"""A merchant joins: merchant, stores, tills with their keys, and people who sign in."""

from dataclasses import dataclass
from datetime import time
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel, Season
from coupon_service.core.db import Base
from coupon_service.core.ids import new_id
from coupon_service.core.passwords import hash_password
from coupon_service.ledger.payables import open_merchant_accounts
from merchants.errors import CodeTakenError, TillNotFoundError
from merchants.models import Merchant, MerchantUser, Store, Till
from merchants.till_key import hash_of, new_key, till_of


@dataclass(frozen=True, kw_only=True)
class NewStore:
    """A place of sale. `opens` and `closes` are local; `closes` before `opens` crosses midnight."""

    code: str
    name: str
    category: str
    zone: str
    street: str
    address: str
    lat: float
    lon: float
    opens: time
    closes: time
    tags: tuple[str, ...] = ()
    channel: Channel = Channel.ONSITE  # or VIRTUAL


@dataclass(frozen=True)
class TillWithKey:
    """A till and its key, which nobody can read again."""

    till: Till
    key: str


def create_merchant(
    session: Session, *, district_id: UUID, code: str, name: str, is_illustration: bool = False
) -> Merchant:
    """Add an active merchant, with accounts in every season of its district.

    Raises:
        CodeTakenError: another merchant has this code.
    """
    merchant = Merchant(
        id=new_id(),
        district_id=district_id,
        code=code,
        name=name,
        is_illustration=is_illustration,
    )
    _add(session, merchant)
    for season_id in session.scalars(select(Season.id).where(Season.district_id == district_id)):
        open_merchant_accounts(session, season_id, merchant.id)
    return merchant


def create_store(session: Session, merchant_id: UUID, new: NewStore) -> Store:
    """Add a store to a merchant.

    Raises:
        CodeTakenError: another store has this code.
        ValueError: stores are on site or virtual, nothing else.
    """
    if new.channel not in (Channel.ONSITE, Channel.VIRTUAL):
        raise ValueError("a store is on site or virtual")
    store = Store(
        id=new_id(),
        merchant_id=merchant_id,
        code=new.code,
        name=new.name,
        category=new.category,
        zone=new.zone,
        street=new.street,
        address=new.address,
        tags=list(new.tags),
        lat=new.lat,
        lon=new.lon,
        opens=new.opens,
        closes=new.closes,
        channel=new.channel,
    )
    _add(session, store)
    return store


def create_till(
    session: Session, store_id: UUID, name: str, *, key: str | None = None
) -> TillWithKey:
    """Add a till to a store; its key is in the answer and nowhere else.

    A `key` made elsewhere names the till's id; without one, both are new.

    Raises:
        ValueError: the key is not shaped like one.
    """
    till_id = (till_of(key) if key else None) or new_id()
    key, key_hash = (key, hash_of(key)) if key else new_key(till_id)
    till = Till(id=till_id, store_id=store_id, name=name, key_hash=key_hash)
    session.add(till)
    session.flush()
    return TillWithKey(till, key)


def replace_till_key(session: Session, till_id: UUID) -> str:
    """Give a till a new key; the old one is refused within `auth.CACHE_S`.

    Raises:
        TillNotFoundError: there is no such till.
    """
    key, key_hash = new_key(till_id)
    _update_till(session, till_id, key_hash=key_hash)
    return key


def set_till_active(session: Session, till_id: UUID, *, is_active: bool) -> None:
    """Let a till work, or stop it.

    Raises:
        TillNotFoundError: there is no such till.
    """
    _update_till(session, till_id, is_active=is_active)


def create_user(
    session: Session, merchant_id: UUID, *, username: str, password: str
) -> MerchantUser:
    """Add a person who may see the merchant's portal. User names are small letters.

    Raises:
        CodeTakenError: somebody has this user name.
        ValueError: the password is too short or too long.
    """
    user = MerchantUser(
        id=new_id(),
        merchant_id=merchant_id,
        username=username.lower(),
        password_hash=hash_password(password),
    )
    _add(session, user)
    return user


def _add(session: Session, row: Base) -> None:
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == "23505":  # unique violation
            raise CodeTakenError from error
        raise


def _update_till(session: Session, till_id: UUID, **values: object) -> None:
    changed = session.execute(
        update(Till).where(Till.id == till_id).values(**values).returning(Till.id)
    ).scalar_one_or_none()
    if changed is None:
        raise TillNotFoundError
