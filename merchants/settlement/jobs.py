"""Settlement as background work."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Season
from coupon_service.core.clock import db_now, local_date, local_day_start
from coupon_service.core.jobs import emit_job
from coupon_service.core.resources import resources
from coupon_service.ledger.models import Payable, Standing
from merchants.settlement.settle import settle

RUN = "settlement.run"


def settle_daily(session: Session) -> None:
    """Ask for a settlement of every season that owes something from before today (local).

    A season that has ended is settled too while something is owed: released holds, rejected
    payouts. Each season is a run of its own, so one that fails does not stop the others.
    """
    cutoff_at = last_cutoff(db_now(session))
    owes = exists().where(
        Payable.season_id == Season.id,
        Payable.standing == Standing.PAYABLE,
        Payable.incurred_at < cutoff_at,
    )
    for season_id in session.scalars(select(Season.id).where(owes).order_by(Season.id)):
        request_run(session, season_id, cutoff_at)


def run(session: Session, *, season_id: UUID, cutoff_at: str) -> None:
    """Settle one season up to a cut-off (ISO 8601, aware)."""
    settle(
        session,
        resources().vault,
        season_id=season_id,
        cutoff_at=datetime.fromisoformat(cutoff_at),
        now=db_now(session),
    )


def request_run(session: Session, season_id: UUID, cutoff_at: datetime) -> UUID:
    """Record, in the caller's transaction, that a season is to be settled; returns the run's id."""
    return emit_job(session, RUN, season_id=season_id, cutoff_at=cutoff_at.isoformat())


def last_cutoff(now: datetime) -> datetime:
    """The usual cut-off: the start of the local day."""
    return local_day_start(local_date(now))
