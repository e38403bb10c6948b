"""Open a sandbox: a district with a season, a merchant and a till of its own.

Nothing in it is pretended: the same code redeems, reverses and settles. Only the money is the
sandbox season's own, and its merchant has no bank account. A till knows vouchers of its own
district only, so that a sandbox's till takes no real voucher, and a real till none of a sandbox.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.fund import allocate, appropriate
from coupon_service.campaigns.models import (
    BudgetNode,
    Campaign,
    Channel,
    District,
    NodeLevel,
    RefundPolicy,
    Sandbox,
    Season,
    ThresholdBasis,
)
from coupon_service.core.ids import new_id
from merchants.errors import DistrictNotFoundError
from merchants.models import Merchant, Store, Till
from merchants.onboard import NewStore, create_merchant, create_store, create_till

SEASON_FEN = 100_000_000
FACE_FEN = 2_000
THRESHOLD_FEN = 5_000
PER_PERSON = 100
_LASTS = timedelta(days=3_650)


@dataclass(frozen=True)
class OpenSandbox:
    """A sandbox's campaign, whose vouchers are given out, and the till that takes them."""

    campaign: Campaign
    merchant_id: UUID
    till_id: UUID


def open_sandbox(session: Session, district_code: str, *, now: datetime) -> OpenSandbox:
    """The sandbox of that district, made if there is none yet.

    Raises:
        DistrictNotFoundError: no district has that code.
    """
    # The row is locked, so that two commands at once do not both make one.
    district = session.scalars(
        select(District).where(District.code == district_code).with_for_update()
    ).one_or_none()
    if district is None:
        raise DistrictNotFoundError
    box = session.scalars(
        select(Sandbox).where(Sandbox.of_district_id == district.id)
    ).one_or_none()
    return _made(session, district, now) if box is None else _found(session, box)


def _found(session: Session, box: Sandbox) -> OpenSandbox:
    campaign = session.scalars(
        select(Campaign)
        .join(Season, Season.id == Campaign.season_id)
        .where(Season.district_id == box.district_id)
    ).one()
    merchant_id, till_id = session.execute(
        select(Merchant.id, Till.id)
        .join(Store, Store.merchant_id == Merchant.id)
        .join(Till, Till.store_id == Store.id)
        .where(Merchant.district_id == box.district_id)
        .order_by(Till.id)
        .limit(1)
    ).one()
    return OpenSandbox(campaign, merchant_id, till_id)


def _made(session: Session, of: District, now: datetime) -> OpenSandbox:
    code = f"{of.code}-sandbox"
    district = District(id=new_id(), code=code, name=f"{of.name}（测试）")
    session.add(district)
    session.flush()
    session.add(Sandbox(district_id=district.id, of_district_id=of.id))
    campaign = _campaign(session, district, now)
    merchant = create_merchant(
        session, district_id=district.id, code=code, name="收银系统测试商户", is_illustration=True
    )
    store = create_store(
        session,
        merchant.id,
        NewStore(
            code=code,
            name="收银系统测试店",
            category="catering",
            zone="sandbox",
            street="测试街道",
            address="测试路1号",
            lat=39.9,
            lon=116.4,
            opens=time(0),
            closes=time(0),
        ),
    )
    till = create_till(session, store.id, "测试收银台").till
    return OpenSandbox(campaign, merchant.id, till.id)


def _campaign(session: Session, district: District, now: datetime) -> Campaign:
    season = Season(
        id=new_id(),
        district_id=district.id,
        code=district.code,
        name="收银系统联调",
        starts_at=now,
        ends_at=now + _LASTS,
    )
    session.add(season)
    session.flush()
    board = BudgetNode(
        id=new_id(), season_id=season.id, level=NodeLevel.BOARD, code="sandbox", name="联调"
    )
    session.add(board)
    session.flush()
    appropriate(session, season, SEASON_FEN)
    allocate(session, board, SEASON_FEN)
    campaign = Campaign(
        id=new_id(),
        season_id=season.id,
        node_id=board.id,
        code="sandbox",
        name="测试券：满50减20",
        face_fen=FACE_FEN,
        threshold_fen=THRESHOLD_FEN,
        threshold_basis=ThresholdBasis.BEFORE,
        per_person=PER_PERSON,
        valid_from=now,
        valid_until=now + _LASTS,
        refund_policy=RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY,
        claim_channels=[Channel.ONLINE],
        redeem_channels=[Channel.ONSITE],
    )
    session.add(campaign)
    session.flush()
    return campaign
