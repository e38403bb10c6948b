"""The quiet hours: no message wakes anybody."""

from datetime import datetime, time, timedelta

from coupon_service.core.clock import LOCAL_ZONE

QUIET_FROM = time(21)
QUIET_UNTIL = time(8)


def next_due(now: datetime) -> datetime:
    """When a message may leave: at once by day, at `QUIET_UNTIL` in the quiet hours."""
    local = now.astimezone(LOCAL_ZONE)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return now
    day = local.date() if local.time() < QUIET_UNTIL else local.date() + timedelta(days=1)
    return datetime.combine(day, QUIET_UNTIL, LOCAL_ZONE).astimezone(now.tzinfo)
