"""Quote: what the customer would pay, were the voucher redeemed now. Writes nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order
from redemption.judge import judge
from redemption.queries import At, present
from redemption.verify import Scan


@dataclass(frozen=True)
class Quote:
    """What the voucher would take off, in fen, and the name of its campaign."""

    order: Order
    discount_fen: int
    campaign: str


def quote(session: Session, till_id: UUID, scan: Scan, order: Order, *, now: datetime) -> Quote:
    """What the voucher would take off this order at this till.

    Raises:
        CodeNotRecognisedError: no voucher of the merchant's district.
        VoucherNotUsableError: the subclass says why.
        ForbiddenError: the till or its merchant is not active.
    """
    presented = present(session, scan.voucher, At(till_id=till_id), scan=scan)
    discount_fen = judge(presented, order, Channel.ONSITE, scan=scan, now=now)
    return Quote(order, discount_fen, presented.voucher.release.campaign.name)
