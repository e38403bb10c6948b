"""Where a merchant is paid. A change cools off, so that a stolen sign-in cannot divert money."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from merchants.errors import MerchantNotFoundError
from merchants.models import Merchant, PayoutAccount

COOL_OFF = timedelta(days=3)
_FIELD = "payout-account"


@dataclass(frozen=True)
class BankAccount:
    """An account as the bank writes it. `number` is 8 to 30 digits."""

    holder: str
    bank: str
    number: str


def set_payout_account(
    session: Session, vault: Vault, merchant_id: UUID, account: BankAccount, *, now: datetime
) -> PayoutAccount:
    """Record where the merchant is paid from now on.

    The first account counts at once; a changed one after `COOL_OFF`, and until then the old one
    is paid.

    Raises:
        MerchantNotFoundError: there is no such merchant.
        ValueError: the number is not 8 to 30 digits.
    """
    number = account.number
    if not (number.isascii() and number.isdigit() and 8 <= len(number) <= 30):
        raise ValueError("an account number has 8 to 30 digits")
    # Two first accounts at once: the second must see the first, or both would count at once.
    locked = session.execute(
        select(Merchant.id).where(Merchant.id == merchant_id).with_for_update(key_share=True)
    ).scalar_one_or_none()
    if locked is None:
        raise MerchantNotFoundError
    has_one = session.execute(
        select(PayoutAccount.id).where(PayoutAccount.merchant_id == merchant_id).limit(1)
    ).scalar_one_or_none()
    row = PayoutAccount(
        id=new_id(),
        merchant_id=merchant_id,
        holder=account.holder,
        bank=account.bank,
        number_sealed=vault.seal_text(_FIELD, number),
        number_last4=number[-4:],
        effective_at=now if has_one is None else now + COOL_OFF,
    )
    session.add(row)
    session.flush()
    return row


def effective_accounts(
    session: Session, merchant_ids: Collection[UUID], *, now: datetime
) -> dict[UUID, PayoutAccount]:
    """The account each merchant is paid on at that moment; merchants without one are absent."""
    rows = session.scalars(
        select(PayoutAccount)
        .where(PayoutAccount.merchant_id.in_(merchant_ids), PayoutAccount.effective_at <= now)
        .ext(distinct_on(PayoutAccount.merchant_id))
        .order_by(
            PayoutAccount.merchant_id,
            PayoutAccount.effective_at.desc(),
            PayoutAccount.id.desc(),
        )
    )
    return {row.merchant_id: row for row in rows}


def clear_number(vault: Vault, account: PayoutAccount) -> str:
    """The account number, for the payout file and nothing else."""
    return vault.open_text(_FIELD, account.number_sealed)
