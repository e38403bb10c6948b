"""A counter in a running season, and vouchers to present at it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, District, Release
from coupon_service.campaigns.terms import Order
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources, resources
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.queries import voucher_with_terms
from coupon_service.vouchers.show import Shown, show
from merchants.models import Merchant, Store, Till
from merchants.onboard import NewStore, create_merchant, create_store, create_till
from redemption.present import At, Showing
from redemption.receipt import Receipt
from redemption.redeem import RedeemCommand, Refused, redeem
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.people import make_resident


@dataclass(frozen=True)
class Counter:
    """A till of a store, its key, and the header that proves it."""

    merchant: Merchant
    store: Store
    till: Till
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(frozen=True)
class Market:
    """A season with one campaign, one release and one counter, all of one district."""

    small: SmallSeason
    campaign: Campaign
    release: Release
    counter: Counter


def make_counter(session: Session, district: District, **store: Any) -> Counter:
    """A merchant with one store and one till; `store` replaces fields of the store."""
    code = uuid4().hex[:10]
    merchant = create_merchant(session, district_id=district.id, code=f"m-{code}", name="庆丰小馆")
    fields: dict[str, Any] = {
        "code": f"s-{code}",
        "name": "庆丰小馆（新街口店）",
        "category": "catering",
        "zone": "xinjiekou",
        "street": "新街口街道",
        "address": "新街口南大街1号",
        "lat": 39.9405,
        "lon": 116.3700,
        "opens": time(0),
        "closes": time(23, 59),
    }
    place = create_store(session, merchant.id, NewStore(**(fields | store)))
    place.merchant = merchant
    made = create_till(session, place.id, "1号收银台")
    return Counter(merchant, place, made.till, made.key)


def another_till(session: Session, counter: Counter) -> Counter:
    """One more till of the same store."""
    made = create_till(session, counter.store.id, "2号收银台")
    return Counter(counter.merchant, counter.store, made.till, made.key)


def make_market(session: Session, *, quantity: int = 100, **terms: Any) -> Market:
    """Everything a redemption needs; `terms` replace columns of the campaign (50 − 20)."""
    small = make_season(session)
    campaign = make_campaign(session, small, **terms)
    release = make_release(session, campaign, quantity=quantity)
    return Market(small, campaign, release, make_counter(session, small.district))


def make_voucher(
    session: Session,
    release: Release,
    *,
    resident_id: UUID | None = None,
    valid_from: datetime | None = None,
    expires_at: datetime | None = None,
) -> UUID:
    """The next seat of the release for a resident, valid for a month by default; returns the id."""
    now = db_now(session)
    last = session.execute(
        select(func.coalesce(func.max(Voucher.seat), 0)).where(Voucher.release_id == release.id)
    ).scalar_one()
    voucher = Voucher(
        id=new_id(),
        release_id=release.id,
        seat=last + 1,
        resident_id=resident_id or make_resident(session),
        ordinal=1,
        claim_channel=Channel.ONLINE,
        valid_from=valid_from or now - timedelta(hours=1),
        expires_at=expires_at or now + timedelta(days=30),
    )
    session.add(voucher)
    session.flush()
    return voucher.id


def shown(session: Session, voucher_id: UUID, *, now: datetime | None = None) -> Shown:
    """What the voucher's holder shows: token and typed code."""
    voucher = voucher_with_terms(session, voucher_id)
    assert voucher is not None
    return show(session, voucher, now=now or db_now(session))


def redeemed(
    session: Session,
    voucher_id: UUID,
    at: At,
    *,
    order_fen: int = 8_000,
    order_no: str | None = None,
    channel: Channel = Channel.ONSITE,
    now: datetime | None = None,
) -> Receipt:
    """An order of one voucher that nobody had to show, redeemed by the use case.

    Raises:
        ProblemError: the refusal.
    """
    command = RedeemCommand(
        showings=[Showing(voucher_id)],
        at=at,
        order_no=order_no or uuid4().hex,
        order=Order(order_fen, order_fen),
        channel=channel,
    )
    now = now or db_now(session)
    (outcome,) = redeem(session, [command], risk=resources().risk, now=now)
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome.receipt


def market_with_voucher(held: Resources, **terms: Any) -> tuple[Market, UUID, Shown]:
    """A committed market, one voucher of it, and what its holder shows."""
    with transaction(held.sessions) as session:
        market = make_market(session, **terms)
        voucher_id = make_voucher(session, market.release)
        return market, voucher_id, shown(session, voucher_id)
