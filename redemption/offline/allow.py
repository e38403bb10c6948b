"""Allow: an official lets a merchant trade offline, and sets money aside for what that may cost."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.fund import treasury
from coupon_service.campaigns.models import Season
from coupon_service.core.ids import new_id
from coupon_service.ledger.accounts import open_accounts
from coupon_service.ledger.post import Movement, post
from merchants.models import Merchant
from redemption.offline.errors import OfflineMoneyBoundError, OfflineNotAllowedError
from redemption.offline.exposure import exposure_of_season, lock_pool, pool
from redemption.offline.models import LossPolicy, OfflineMerchant


def allow(
    session: Session,
    merchant_id: UUID,
    season_id: UUID,
    policy: LossPolicy,
    *,
    official_id: UUID | None,
    now: datetime,
) -> None:
    """The merchant's tills may trade offline with vouchers of this season, from now on.

    Raises:
        OfflineNotAllowedError: merchant and season are not of one district.
    """
    of_one_district = session.execute(
        select(Season.id)
        .join(Merchant, Merchant.district_id == Season.district_id)
        .where(Season.id == season_id, Merchant.id == merchant_id)
    ).one_or_none()
    if of_one_district is None:
        raise OfflineNotAllowedError
    open_accounts(session, [pool(season_id)])
    row = {
        "season_id": season_id,
        "policy": policy,
        "allowed_by": official_id,
        "allowed_at": now,
        "ended_at": None,
    }
    session.execute(
        insert(OfflineMerchant)
        .values(merchant_id=merchant_id, **row)
        .on_conflict_do_update(index_elements=[OfflineMerchant.merchant_id], set_=row)
    )


def end(session: Session, merchant_id: UUID, *, now: datetime) -> None:
    """No lease any more. What was accepted on earlier ones still comes in."""
    session.execute(
        update(OfflineMerchant)
        .where(OfflineMerchant.merchant_id == merchant_id, OfflineMerchant.ended_at.is_(None))
        .values(ended_at=now)
    )


def set_aside(session: Session, season_id: UUID, amount_fen: int) -> None:
    """Money of the season's treasury covers what offline tills may cost the district.

    Raises:
        InsufficientFundsError: the treasury does not hold that much.
    """
    open_accounts(session, [pool(season_id)])
    movement = Movement(treasury(season_id), pool(season_id), amount_fen)
    post(session, new_id(), "offline-set-aside", [movement])


def give_back(session: Session, season_id: UUID, amount_fen: int, *, now: datetime) -> None:
    """Return what no lease relies on to the treasury.

    Raises:
        OfflineMoneyBoundError: records may still come in that need it.
    """
    pool_fen = lock_pool(session, season_id)
    free_fen = pool_fen - exposure_of_season(session, season_id, now=now)
    if amount_fen > free_fen:
        raise OfflineMoneyBoundError(free_fen=max(0, free_fen))
    movement = Movement(pool(season_id), treasury(season_id), amount_fen)
    post(session, new_id(), "offline-give-back", [movement])
