"""Tell residents which of their vouchers have their last day tomorrow."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Release
from coupon_service.core.clock import db_now, local_date, local_day_start
from coupon_service.notices.notify import NoticeKind, Told, notify_all
from coupon_service.vouchers.models import Voucher, VoucherState

_ONE_DAY = timedelta(days=1)


def tell_expiring(session: Session) -> None:
    """One notice per resident for all that ends with tomorrow; a second run tells nobody again.

    Valid until midnight means the day before is the last: intervals are half-open.
    """
    tomorrow = local_date(db_now(session)) + _ONE_DAY
    rows = session.execute(
        select(Voucher.resident_id, func.count(), func.sum(Campaign.face_fen))
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(
            Voucher.state == VoucherState.ISSUED,
            Voucher.expires_at > local_day_start(tomorrow),
            Voucher.expires_at <= local_day_start(tomorrow + _ONE_DAY),
        )
        .group_by(Voucher.resident_id)
    )
    told = [
        Told(resident_id, {"count": count, "face_fen": int(face_fen), "day": tomorrow})
        for resident_id, count, face_fen in rows
    ]
    notify_all(session, NoticeKind.EXPIRES_TOMORROW, told)
