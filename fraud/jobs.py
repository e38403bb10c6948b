"""Background work of fraud: judge what was redeemed, forget what was reversed, let nothing rot."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.log import get_logger
from coupon_service.ledger.models import Payable, Standing
from fraud.check import check_redemption
from fraud.holds import forget_reversed
from fraud.lapse import lapse_overdue
from fraud.models import Case, CaseState
from redemption.models import RefundShare

# Officials are warned this long before a case lapses.
WARN_BEFORE = timedelta(days=3)

log = get_logger(__name__)


def check(session: Session, redemption_id: UUID) -> None:
    """Judge a redemption."""
    check_redemption(session, redemption_id, now=db_now(session))


def forget(session: Session, redemption_id: UUID) -> None:
    """End the hold of a reversed redemption. Its findings stay in the case, which stays open:
    redeeming and reversing in a pattern is for a person to judge."""
    forget_reversed(session, redemption_id, now=db_now(session))


def forget_refunded(session: Session, refund_id: UUID) -> None:
    """End the holds of those redemptions of which a refund has left nothing to hold."""
    emptied = session.scalars(
        select(Payable.id)
        .join(RefundShare, RefundShare.redemption_id == Payable.id)
        .where(RefundShare.refund_id == refund_id, Payable.standing == Standing.REVERSED)
    ).all()
    now = db_now(session)
    for payable_id in emptied:
        forget_reversed(session, payable_id, now=now)


def watch_overdue(session: Session) -> None:
    """Warn about cases that lapse soon, and let lapse those whose time is over."""
    now = db_now(session)
    for case_id in lapse_overdue(session, now=now):
        log.warning("fraud case lapsed undecided", case_id=str(case_id))
    soon = session.execute(
        select(Case.id, Case.due_at)
        .where(Case.state == CaseState.OPEN, Case.due_at <= now + WARN_BEFORE)
        .order_by(Case.due_at)
    )
    for case_id, due_at in soon:
        log.warning("fraud case lapses soon", case_id=str(case_id), due_at=due_at.isoformat())
