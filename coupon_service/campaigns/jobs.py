"""Scheduled work of campaigns."""

from sqlalchemy.orm import Session

from coupon_service.campaigns.queries import releases_past_their_window
from coupon_service.campaigns.release import close
from coupon_service.core.clock import db_now


def close_due(session: Session) -> None:
    """Close the releases whose window has ended, so that their unused money is free again."""
    now = db_now(session)
    for release_id in releases_past_their_window(session, now):
        close(session, release_id, now=now)
