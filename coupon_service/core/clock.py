"""Time: aware UTC inside, Asia/Shanghai for local days, half-open intervals.

The database's clock decides. `now` is an argument everywhere; the edge asks `db_now` once.
"""

from datetime import UTC, date, datetime, time
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

LOCAL_ZONE = ZoneInfo("Asia/Shanghai")


def db_now(session: Session) -> datetime:
    """The database's time of this very moment, aware, in UTC.

    `clock_timestamp()` and not `now()`: the latter is the start of the transaction, which a wait
    for a lock can leave behind.
    """
    return cast(datetime, session.execute(select(func.clock_timestamp())).scalar_one()).astimezone(
        UTC
    )


def local_date(moment: datetime) -> date:
    """The day in Beijing at that moment."""
    return moment.astimezone(LOCAL_ZONE).date()


def local_day_start(day: date) -> datetime:
    """The moment a local day begins, in UTC."""
    return datetime.combine(day, time(), LOCAL_ZONE).astimezone(UTC)


def within_hours(opens: time, closes: time, local: time) -> bool:
    """Whether `[opens, closes)` has that time of day; it may cross midnight, equal is all day."""
    if opens == closes:
        return True
    if opens < closes:
        return opens <= local < closes
    return local >= opens or local < closes
