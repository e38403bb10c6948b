"""The one inversion of the house: a redemption asks for a risk verdict, and `fraud` gives it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class RedemptionAttempt:
    """What is known about a redemption before it happens. Amounts in fen."""

    voucher_id: UUID
    resident_id: UUID
    merchant_id: UUID
    store_id: UUID
    till_id: UUID | None
    order_fen: int
    at: datetime


class RiskGate(Protocol):
    """Says which of these redemptions a hard rule forbids at the till, in their order.

    Everything softer is judged afterwards, on the merchant's payout and not on the diner.
    """

    def forbids(
        self, session: Session, attempts: Sequence[RedemptionAttempt]
    ) -> Sequence[bool]: ...
