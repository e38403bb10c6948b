"""Reads of settlement, each limited to one district."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.models import Season
from coupon_service.core.models import OutboxRow
from merchants.models import Payout, SettlementBatch
from merchants.settlement.errors import BatchNotFoundError, RunNotFoundError, SeasonNotFoundError
from merchants.settlement.jobs import RUN


@dataclass(frozen=True)
class Run:
    """A requested settlement. Done without a batch means there was nothing to pay."""

    id: UUID
    season_id: UUID
    cutoff_at: datetime
    is_done: bool
    batch_id: UUID | None


def season_or_refuse(session: Session, season_id: UUID, *, district_id: UUID | None) -> Season:
    """A season of the district.

    Raises:
        SeasonNotFoundError: there is none, or it is another district's.
    """
    season = session.scalars(
        select(Season).where(Season.id == season_id, Season.district_id == district_id)
    ).one_or_none()
    if season is None:
        raise SeasonNotFoundError
    return season


def batch_or_refuse(
    session: Session, batch_id: UUID, *, district_id: UUID | None
) -> SettlementBatch:
    """A batch of the district.

    Raises:
        BatchNotFoundError: there is none, or it is another district's.
    """
    batch = session.scalars(
        select(SettlementBatch)
        .join(Season, Season.id == SettlementBatch.season_id)
        .where(SettlementBatch.id == batch_id, Season.district_id == district_id)
    ).one_or_none()
    if batch is None:
        raise BatchNotFoundError
    return batch


def list_batches(
    session: Session,
    *,
    district_id: UUID | None,
    season_id: UUID | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[SettlementBatch]:
    """Batches of the district, newest first, beginning before `before_id`."""
    query = (
        select(SettlementBatch)
        .join(Season, Season.id == SettlementBatch.season_id)
        .where(Season.district_id == district_id)
        .order_by(SettlementBatch.id.desc())
        .limit(limit)
    )
    if season_id is not None:
        query = query.where(SettlementBatch.season_id == season_id)
    if before_id is not None:
        query = query.where(SettlementBatch.id < before_id)
    return session.scalars(query).all()


def payouts_of(session: Session, batch_id: UUID) -> Sequence[Payout]:
    """The payouts of a batch by position, merchant and account loaded."""
    return session.scalars(
        select(Payout)
        .where(Payout.batch_id == batch_id)
        .options(joinedload(Payout.merchant), joinedload(Payout.account))
        .order_by(Payout.position)
    ).all()


def run_or_refuse(session: Session, run_id: UUID, *, district_id: UUID | None) -> Run:
    """What became of a requested settlement.

    Raises:
        RunNotFoundError: there is none, or it is of another district.
    """
    row = session.scalars(
        select(OutboxRow).where(OutboxRow.id == run_id, OutboxRow.job == RUN)
    ).one_or_none()
    if row is None:
        raise RunNotFoundError
    season_id = UUID(row.payload["season_id"])
    cutoff_at = datetime.fromisoformat(row.payload["cutoff_at"])
    try:
        season_or_refuse(session, season_id, district_id=district_id)
    except SeasonNotFoundError:
        raise RunNotFoundError from None
    batch_id = session.execute(
        select(SettlementBatch.id).where(
            SettlementBatch.season_id == season_id, SettlementBatch.cutoff_at == cutoff_at
        )
    ).scalar_one_or_none()
    return Run(row.id, season_id, cutoff_at, row.done_at is not None, batch_id)
