"""A suspended merchant cannot redeem; what it earned before is still paid."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from merchants.errors import MerchantNotFoundError
from merchants.models import Merchant, MerchantState


def suspend(session: Session, merchant_id: UUID) -> None:
    """Stop the merchant's redemptions. Suspending twice is no error.

    Raises:
        MerchantNotFoundError: there is no such merchant.
    """
    _set(session, merchant_id, MerchantState.SUSPENDED)


def reinstate(session: Session, merchant_id: UUID) -> None:
    """Let the merchant redeem again.

    Raises:
        MerchantNotFoundError: there is no such merchant.
    """
    _set(session, merchant_id, MerchantState.ACTIVE)


def _set(session: Session, merchant_id: UUID, state: MerchantState) -> None:
    changed = session.execute(
        update(Merchant)
        .where(Merchant.id == merchant_id)
        .values(state=state)
        .returning(Merchant.id)
    ).scalar_one_or_none()
    if changed is None:
        raise MerchantNotFoundError
