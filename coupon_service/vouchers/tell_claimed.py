"""Tell residents of the vouchers they claimed, out of the claims' way.

A claim is one insert and writes no notice. This reads the new vouchers afterwards, in the order of
their ids, which are of their time; a mark in the database says how far it has come.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Mode, Release
from coupon_service.core.clock import db_now
from coupon_service.notices.models import NoticeMark
from coupon_service.notices.notify import NoticeKind, Told, notify_all
from coupon_service.vouchers.models import Voucher

MARK = "vouchers.tell_claimed"
# Other modes bring notices of their own.
TOLD_MODES = (Mode.FIRST_COME, Mode.CODE)
BATCH_VOUCHERS = 2_000
BATCHES_PER_RUN = 20
# A voucher gets its id before its transaction ends. Longer than any may take: none appears behind
# the mark.
SETTLED_AFTER = timedelta(seconds=90)


def tell_claimed(session: Session) -> None:
    """Tell of settled vouchers that are new; the first run only sets the mark."""
    until = first_id_at(db_now(session) - SETTLED_AFTER)
    session.execute(insert(NoticeMark).values(name=MARK, through_id=until).on_conflict_do_nothing())
    through = session.execute(
        select(NoticeMark.through_id).where(NoticeMark.name == MARK).with_for_update()
    ).scalar_one()
    for _ in range(BATCHES_PER_RUN):
        last = _tell_batch(session, through, until)
        if last is None:
            break
        through = last
    session.execute(update(NoticeMark).where(NoticeMark.name == MARK).values(through_id=through))


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond (RFC 9562, section 5.7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62)


def _tell_batch(session: Session, through: UUID, until: UUID) -> UUID | None:
    """Tell of the next vouchers after `through`; returns the last one's id, or None."""
    rows = session.execute(
        select(Voucher.id, Voucher.resident_id, Voucher.expires_at, Campaign.name, Release.mode)
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Voucher.id > through, Voucher.id < until)
        .order_by(Voucher.id)
        .limit(BATCH_VOUCHERS)
    ).all()
    notify_all(
        session,
        NoticeKind.CLAIMED,
        [
            Told(resident_id, {"voucher_id": id_, "campaign": campaign, "expires_at": expires_at})
            for id_, resident_id, expires_at, campaign, mode in rows
            if mode in TOLD_MODES
        ],
    )
    return rows[-1].id if rows else None
