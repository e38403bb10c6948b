"""How many notices a resident has not seen, counted in the one statement of a page."""

from typing import Any

from sqlalchemy import ScalarSelect, bindparam, func, select

from coupon_service.notices.models import Notice
from coupon_service.notices.queries import UNREAD_SHOWN_MAX

_NOTICES = Notice.__table__.c


def count_unread(resident_parameter: str) -> ScalarSelect[Any]:
    """A column of that number, up to one more than is shown."""
    some = (
        select(_NOTICES.id)
        .where(_NOTICES.resident_id == bindparam(resident_parameter), _NOTICES.read_at.is_(None))
        .limit(UNREAD_SHOWN_MAX + 1)
        .subquery()
    )
    return select(func.count()).select_from(some).scalar_subquery()


def unread_badge(count: int) -> str:
    """What a badge says: `3`, `99+` or nothing."""
    return f"{UNREAD_SHOWN_MAX}+" if count > UNREAD_SHOWN_MAX else str(count or "")
