"""Loads a season's merchants with their stores, bank accounts and tills."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.core.personal import Vault
from coupon_service.core.settings import Settings
from coupon_service.simulation.demo.people import TILLS, DemoTill, till_key
from coupon_service.simulation.season.rows import SeasonFile, StoreChannel, StoreRow
from merchants.onboard import NewStore, create_merchant, create_store, create_till
from merchants.payout_account import BankAccount, set_payout_account


def load_merchants(
    session: Session, file: SeasonFile, district_id: UUID, vault: Vault, *, now: datetime
) -> dict[str, UUID]:
    """Add every merchant of the file with its bank account; returns their ids by code."""
    ids = {}
    for row in file.merchants:
        merchant = create_merchant(
            session,
            district_id=district_id,
            code=row.code,
            name=row.name,
            is_illustration=row.illustration,
        )
        account = BankAccount(row.payout_holder, row.payout_bank, row.payout_account)
        set_payout_account(session, vault, merchant.id, account, now=now)
        ids[row.code] = merchant.id
    return ids


def load_stores(
    session: Session, file: SeasonFile, merchant_ids: dict[str, UUID]
) -> dict[str, UUID]:
    """Add every store of the file; returns their ids by code."""
    return {
        row.code: create_store(session, merchant_ids[row.merchant], _new_store(row)).id
        for row in file.stores
    }


def load_tills(
    session: Session, file: SeasonFile, store_ids: dict[str, UUID], settings: Settings
) -> int:
    """Add a till to every store that has one, and the demo's further tills; returns how many."""
    firsts = {DemoTill(s.code, 1) for s in file.stores if s.channel is StoreChannel.ONSITE}
    tills = firsts | {till for till in TILLS if till.store in store_ids}
    for till in sorted(tills, key=lambda till: (till.store, till.number)):
        create_till(session, store_ids[till.store], till.name, key=till_key(settings, till))
    return len(tills)


def _new_store(row: StoreRow) -> NewStore:
    return NewStore(
        code=row.code,
        name=row.name,
        category=row.category,
        zone=row.zone,
        street=row.street,
        address=row.address,
        lat=row.lat,
        lon=row.lon,
        opens=row.hours.opens,
        closes=row.hours.closes,
        tags=row.tags,
        channel=Channel(row.channel),
    )
