"""When an anchor is open: on its days, in its hours. Pure."""

from datetime import datetime, time

from coupon_service.core.clock import LOCAL_ZONE
from redemption.ar.models import ArAnchor


def is_open(anchor: ArAnchor, now: datetime) -> bool:
    """Whether presence counts at that moment.

    The hours are the local clock's: of a window that crosses midnight, what is after midnight
    belongs to the anchor's days like any other moment.
    """
    if anchor.starts_at is not None and now < anchor.starts_at:
        return False
    if anchor.ends_at is not None and now >= anchor.ends_at:
        return False
    return within_hours(anchor.opens, anchor.closes, now.astimezone(LOCAL_ZONE).time())


def within_hours(opens: time, closes: time, local: time) -> bool:
    """Whether `[opens, closes)` has that time of day; it may cross midnight, equal is all day."""
    if opens == closes:
        return True
    if opens < closes:
        return opens <= local < closes
    return local >= opens or local < closes
