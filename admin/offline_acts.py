"""An official's acts on offline trading, each with its entry in the audit log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.audit import record, record_service
from admin.queries import season_of
from admin.scope import district_of
from coupon_service.core.auth import Principal
from merchants.models import Merchant, Store, Till
from redemption.offline import alarm as alarms
from redemption.offline import allow
from redemption.offline.errors import OfflineNotAllowedError
from redemption.offline.models import LossPolicy, OfflineAlarm


def set_merchant(
    session: Session,
    official: Principal,
    merchant_id: UUID,
    season_id: UUID,
    policy: LossPolicy,
    *,
    is_allowed: bool,
    now: datetime,
) -> None:
    """The merchant's tills may trade offline with the season's vouchers, or no longer.

    Raises:
        SeasonNotFoundError: the official's district has no such season.
        OfflineNotAllowedError: nor such a merchant.
    """
    season_of(session, district_of(official), season_id, now)
    mine = select(Merchant.id).where(
        Merchant.id == merchant_id, Merchant.district_id == district_of(official)
    )
    if session.scalar(mine) is None:
        raise OfflineNotAllowedError
    if is_allowed:
        allow.allow(session, merchant_id, season_id, policy, official_id=official.id, now=now)
    else:
        allow.end(session, merchant_id, now=now)
    details = {"policy": policy.value, "is_allowed": is_allowed}
    record(session, official, "offline.merchant", merchant_id, details)


def set_aside(
    session: Session, official: Principal, season_id: UUID, amount_fen: int, *, now: datetime
) -> None:
    """Money of the season's treasury covers what offline tills may cost.

    Raises:
        SeasonNotFoundError: the official's district has no such season.
        InsufficientFundsError: the treasury does not hold that much.
    """
    season_of(session, district_of(official), season_id, now)
    allow.set_aside(session, season_id, amount_fen)
    record(session, official, "offline.set-aside", season_id, {"amount_fen": amount_fen})


def clear(
    session: Session, official: Principal, alarm_id: UUID, *, reason: str, now: datetime
) -> None:
    """The alarm has been looked into.

    Raises:
        OfflineAlarmNotFoundError: the official's district has no such open alarm.
    """
    alarms.clear_alarm(
        session, alarm_id, district_id=district_of(official), official_id=official.id, now=now
    )
    record(session, official, "offline.clear-alarm", alarm_id, {"reason": reason})


def record_alarm(session: Session, alarm_id: UUID) -> None:
    """Write into the audit log that a till's offline records were found broken."""
    alarm, district_id = session.execute(
        select(OfflineAlarm, Merchant.district_id)
        .join(Till, Till.id == OfflineAlarm.till_id)
        .join(Store, Store.id == Till.store_id)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(OfflineAlarm.id == alarm_id)
    ).one()
    details = {"kind": alarm.kind, "seq": alarm.seq, "till_id": str(alarm.till_id)}
    record_service(session, district_id, "offline.alarm", alarm_id, details)
