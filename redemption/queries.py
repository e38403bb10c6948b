"""Shared reads: the till, and its merchant's orders."""

from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date, local_day_start
from coupon_service.core.schemas import OrderNo
from merchants.errors import TillNotFoundError
from merchants.models import Till
from merchants.queries import till_with_store
from redemption.errors import RedemptionNotFoundError, TillNotActiveError
from redemption.receipt import Receipt, receipt_of, receipts_at_till

TODAY_MAX = 200
_NUMBER: TypeAdapter[str] = TypeAdapter(OrderNo)


def active_till(session: Session, till_id: UUID) -> Till:
    """A till with its store and merchant, if it may still work.

    Raises:
        TillNotActiveError: it was switched off, or is no longer there.
    """
    try:
        till = till_with_store(session, till_id)
    except TillNotFoundError:
        raise TillNotActiveError from None
    if not till.is_active:
        raise TillNotActiveError
    return till


def possible_number(asked: str) -> str:
    """An order's or a refund's number out of an address, if it can be one.

    Raises:
        RedemptionNotFoundError: nothing ever had such a number.
    """
    try:
        return _NUMBER.validate_python(asked)
    except ValidationError:
        raise RedemptionNotFoundError from None


def order_or_refuse(session: Session, merchant_id: UUID, order_no: str) -> Receipt:
    """What is stored under a merchant's order number.

    Raises:
        RedemptionNotFoundError: nothing is.
    """
    found = receipt_of(session, merchant_id, order_no)
    if found is None:
        raise RedemptionNotFoundError
    return found


def today_at_till(session: Session, till_id: UUID, *, now: datetime) -> list[Receipt]:
    """What this till did on the current local day, newest first."""
    return receipts_at_till(session, till_id, local_day_start(local_date(now)), limit=TODAY_MAX)
