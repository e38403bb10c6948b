"""What was done in a shift, added up from orders and refunds."""

from dataclasses import asdict, dataclass
from typing import Self
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from merchants.tills.models import Shift

# The index of a till's orders is by time. Nothing is reversed a day after it was paid, and a row's
# own time is at most a moment before the shift it joined.
_TOTALS = text(
    """
    WITH this AS (
        SELECT id, till_id, opened_at - interval '1 day' AS since FROM shifts WHERE id = :shift_id
    ), mine AS (
        SELECT stored.*, stored.after_discount_fen - stored.discount_fen AS paid_fen
        FROM this JOIN orders stored
            ON stored.till_id = this.till_id AND stored.redeemed_at >= this.since
        WHERE stored.state <> 'tombstone'
    ), paid AS (
        SELECT count(*) AS order_count,
               coalesce(sum(order_fen), 0)::bigint AS order_fen,
               coalesce(sum(discount_fen), 0)::bigint AS discount_fen,
               coalesce(sum(paid_fen), 0)::bigint AS paid_fen
        FROM mine WHERE shift_id = :shift_id
    ), reversed AS (
        SELECT count(*) AS reversal_count, coalesce(sum(paid_fen), 0)::bigint AS reversed_fen
        FROM mine WHERE reversed_shift_id = :shift_id
    ), refunded AS (
        SELECT count(*) AS refund_count,
               coalesce(sum(refund.customer_fen), 0)::bigint AS refunded_fen
        FROM this JOIN refunds refund
            ON refund.till_id = this.till_id AND refund.refunded_at >= this.since
        WHERE refund.shift_id = :shift_id
    )
    SELECT * FROM paid, reversed, refunded
    """
)


@dataclass(frozen=True)
class Totals:
    """What was done in a shift; see `Shift`. Amounts in fen."""

    order_count: int
    order_fen: int
    discount_fen: int
    paid_fen: int
    reversal_count: int
    reversed_fen: int
    refund_count: int
    refunded_fen: int

    @property
    def kept_fen(self) -> int:
        """What customers paid, less what they got back."""
        return self.paid_fen - self.reversed_fen - self.refunded_fen

    @classmethod
    def kept_in(cls, shift: Shift) -> Self | None:
        """The totals a shift was closed with; none while it is open."""
        if shift.closed_at is None:
            return None
        return cls(**{name: getattr(shift, name) for name in cls.__dataclass_fields__})

    def as_columns(self) -> dict[str, int]:
        """The columns of `Shift` that keep them."""
        return asdict(self)


def totals_of(session: Session, shift_id: UUID) -> Totals:
    """The shift's totals as they are now."""
    row = session.execute(_TOTALS, {"shift_id": shift_id}).mappings().one()
    return Totals(**row)
