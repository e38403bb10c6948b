"""Book a loss: a customer was given a discount that another order had got first."""

from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.ledger.models import Payable, Standing
from coupon_service.ledger.payables import merchant_account, open_merchant_accounts
from coupon_service.ledger.post import Movement, post
from redemption.offline.accept import Conflict, Moment, used_here_before
from redemption.offline.exposure import pool
from redemption.offline.models import LossPolicy, OfflineLease, OfflineLoss, OfflineRecord


def book_loss(
    session: Session,
    record: OfflineRecord,
    lease: OfflineLease,
    conflict: Conflict,
    moment: Moment,
) -> None:
    """The lease's policy says who bears it. A merchant in conflict with itself bears its own.

    Otherwise a till could bring in, as if offline, whatever it has redeemed online, and be paid
    twice. What the district bears comes out of the season's pool, which covers every lease.
    """
    policy = LossPolicy(lease.policy)
    if used_here_before(session, conflict.voucher_id, moment.merchant_id):
        policy = LossPolicy.MERCHANT
    loss = OfflineLoss(
        id=new_id(),
        record_id=record.id,
        season_id=lease.season_id,
        merchant_id=moment.merchant_id,
        amount_fen=record.discount_fen,
        policy=policy,
        booked_at=moment.now,
    )
    session.add(loss)
    session.flush()
    if policy is LossPolicy.MERCHANT:
        return
    open_merchant_accounts(session, loss.season_id, loss.merchant_id)
    session.add(
        Payable(
            id=loss.id,
            season_id=loss.season_id,
            merchant_id=loss.merchant_id,
            release_id=conflict.release_id,
            amount_fen=loss.amount_fen,
            standing=Standing.PAYABLE,
            incurred_at=loss.booked_at,
        )
    )
    session.flush()
    payable = merchant_account(loss.season_id, loss.merchant_id, Standing.PAYABLE)
    post(
        session,
        loss.id,
        "offline-loss",
        [Movement(pool(loss.season_id), payable, loss.amount_fen)],
    )
