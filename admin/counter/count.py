"""The caps of a day at the counter, counted in the database."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.counter.errors import CounterDayFullError
from admin.counter.models import CounterDay
from coupon_service.core.clock import local_date


def count_act(
    session: Session,
    official_id: UUID,
    act: Literal["visits", "claims"],
    *,
    limit: int,
    now: datetime,
) -> None:
    """Count one more act of the official on this local day.

    Raises:
        CounterDayFullError: there were `limit` already.
    """
    # One statement decides: two windows of one official cannot share the last act of a day.
    counted = session.execute(
        insert(CounterDay)
        .values(official_id=official_id, day=local_date(now), **{act: 1})
        .on_conflict_do_update(
            index_elements=[CounterDay.official_id, CounterDay.day],
            set_={act: getattr(CounterDay, act) + 1},
            where=getattr(CounterDay, act) < limit,
        )
        .returning(CounterDay.official_id)
    ).scalar_one_or_none()
    if counted is None:
        raise CounterDayFullError(limit=limit)
