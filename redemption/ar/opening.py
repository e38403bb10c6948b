"""When an anchor is open: on its days, in its hours. Pure."""

from datetime import datetime

from coupon_service.core.clock import LOCAL_ZONE, within_hours
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
