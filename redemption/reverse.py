"""Reverse: a till undoes its own redemption, on the same local day, by order number."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Release
from coupon_service.core.clock import local_date
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from coupon_service.ledger import payables
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.vouchers.lifecycle import give_back
from coupon_service.vouchers.models import Voucher
from redemption.errors import ReversalNotFundedError, ReversalTooLateError
from redemption.models import Redemption, RedemptionState
from redemption.queries import active_till

TOPIC = "redemption.reversed"
# Of an order that never came: there is nothing yet that a repeat could be compared with.
_NO_FINGERPRINT = b""


@dataclass(frozen=True)
class _Original:
    """A live redemption, locked, and the face its voucher needs reserved again, in fen."""

    redemption: Redemption
    face_fen: int


def reverse(session: Session, till_id: UUID, order_no: str, *, now: datetime) -> Redemption:
    """Undo the redemption of this order: the voucher is unused again, the merchant owed nothing.

    An order that has not arrived leaves a tombstone, which keeps it out when it does. A repeat
    gets the same answer. A voucher whose validity ended meanwhile is returned all the same, and
    the next expiry run sends its money back to the budget node.

    Raises:
        TillNotActiveError: the till was switched off.
        ReversalTooLateError: the order was redeemed on an earlier local day.
        ReversalNotFundedError: the money is paid out already, or was given back in part, and the
            budget node cannot reserve the voucher's face again.
    """
    till = active_till(session, till_id)
    merchant_id = till.store.merchant_id
    found = _lock(session, merchant_id, order_no)
    if found is None:
        store = till.store
        tombstone = session.scalars(
            insert(Redemption)
            .values(
                id=new_id(),
                merchant_id=merchant_id,
                order_no=order_no,
                fingerprint=_NO_FINGERPRINT,
                state=RedemptionState.TOMBSTONE,
                store_id=store.id,
                till_id=till.id,
                order_fen=0,
                after_discount_fen=0,
                discount_fen=0,
                channel=Channel.ONSITE,
                category=store.category,
                zone=store.zone,
                tags=store.tags,
                redeemed_at=now,
                reversed_at=now,
            )
            .on_conflict_do_nothing(index_elements=[Redemption.merchant_id, Redemption.order_no])
            .returning(Redemption)
        ).one_or_none()
        if tombstone is not None:
            return tombstone
        # The original was committed while we waited for its order number.
        found = _lock(session, merchant_id, order_no)
        assert found is not None, "orders are never deleted"
    if found.redemption.state != RedemptionState.REDEEMED:
        return found.redemption
    _undo(session, found, now)
    return found.redemption


def _lock(session: Session, merchant_id: UUID, order_no: str) -> _Original | None:
    row = session.execute(
        select(Redemption, Campaign.face_fen)
        .outerjoin(Voucher, Voucher.id == Redemption.voucher_id)
        .outerjoin(Release, Release.id == Voucher.release_id)
        .outerjoin(Campaign, Campaign.id == Release.campaign_id)
        .where(Redemption.merchant_id == merchant_id, Redemption.order_no == order_no)
        .with_for_update(of=Redemption)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return None if row is None else _Original(row[0], row[1])


def _undo(session: Session, original: _Original, now: datetime) -> None:
    redemption = original.redemption
    assert redemption.voucher_id is not None
    assert redemption.node_id is not None
    if local_date(redemption.redeemed_at) != local_date(now):
        raise ReversalTooLateError
    redemption.state = RedemptionState.REVERSED
    redemption.reversed_at = now
    session.flush()
    try:
        payables.reverse(
            session, redemption.id, node_id=redemption.node_id, reserved_fen=original.face_fen
        )
    except InsufficientFundsError:
        # What the node holds is for officials to see, not for a till.
        raise ReversalNotFundedError from None
    give_back(session, redemption.voucher_id)
    emit(session, TOPIC, redemption_id=redemption.id)
