"""Shops, and redemptions at them through the real use cases."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Release
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import ClaimCommand, Granted, claim
from coupon_service.issuance.gate import gate
from coupon_service.ledger.models import Payable, Standing
from fraud.models import Case, CaseState
from merchants.models import Merchant, Store, Till
from merchants.onboard import NewStore, create_merchant, create_store, create_till
from redemption.present import At
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.factories.redemption import redeemed

XIDAN = (39.9075, 116.3741)
NEVER_CLOSES = time(0)
DEVICE = b"d" * 32


@dataclass(frozen=True)
class Shop:
    """A merchant with one store and one till."""

    merchant: Merchant
    store: Store
    till: Till


@dataclass(frozen=True)
class Scene:
    """A small season with one open release, 50 − 20 yuan, and one shop."""

    small: SmallSeason
    campaign: Campaign
    release: Release
    shop: Shop
    now: datetime


@dataclass(frozen=True)
class Bought:
    """A redemption, its order's number, and what the voucher took off, in fen."""

    id: UUID
    order_no: str
    redeemed_at: datetime
    discount_fen: int


def make_shop(
    session: Session,
    district_id: UUID,
    *,
    name: str = "测试小馆",
    place: tuple[float, float] = XIDAN,
    hours: tuple[time, time] = (NEVER_CLOSES, NEVER_CLOSES),
    channel: Channel = Channel.ONSITE,
) -> Shop:
    code = uuid4().hex[:8]
    merchant = create_merchant(session, district_id=district_id, code=f"m-{code}", name=name)
    new = NewStore(
        code=f"s-{code}",
        name=f"{name}（西单店）",
        category="餐饮",
        zone="西单",
        street="西长安街街道",
        address="西单北大街1号",
        lat=place[0],
        lon=place[1],
        opens=hours[0],
        closes=hours[1],
        channel=channel,
    )
    store = create_store(session, merchant.id, new)
    return Shop(merchant, store, create_till(session, store.id, "1号收银台").till)


def make_scene(held: Resources, *, quantity: int = 1_000) -> Scene:
    with transaction(held.sessions) as session:
        small = make_season(session)
        campaign = make_campaign(session, small, per_person=20)
        release = make_release(session, campaign, quantity=quantity)
        shop = make_shop(session, small.district.id)
        return Scene(small, campaign, release, shop, db_now(session))


def claimed(
    session: Session,
    release_id: UUID,
    *,
    resident_id: UUID | None = None,
    device_hash: bytes | None = None,
    ordinal: int = 1,
    channel: Channel = Channel.ONLINE,
) -> UUID:
    """A voucher claimed at this moment, by somebody new unless told; returns its id."""
    resident_id = resident_id or make_resident(session)
    command = ClaimCommand(release_id, resident_id, channel, ordinal, device_hash)
    (outcome,) = claim(session, gate(), [command])
    assert isinstance(outcome, Granted)
    return outcome.voucher.voucher_id


def bought(
    held: Resources,
    scene: Scene,
    *,
    order_fen: int = 6_800,
    at: timedelta = timedelta(hours=1),
    shop: Shop | None = None,
    resident_id: UUID | None = None,
    device_hash: bytes | None = None,
    ordinal: int = 1,
    release_id: UUID | None = None,
) -> Bought:
    """Somebody claims now and pays at the shop `at` later than the scene began."""
    shop = shop or scene.shop
    with transaction(held.sessions) as session:
        voucher_id = claimed(
            session,
            release_id or scene.release.id,
            resident_id=resident_id,
            device_hash=device_hash,
            ordinal=ordinal,
        )
        receipt = redeemed(
            session,
            voucher_id,
            At(till_id=shop.till.id),
            order_fen=order_fen,
            channel=Channel(shop.store.channel),
            now=scene.now + at,
        )
    (line,) = receipt.lines
    return Bought(line.redemption_id, receipt.order_no, receipt.redeemed_at, line.discount_fen)


def planted_pattern(
    held: Resources, scene: Scene, *, count: int = 8, start: timedelta = timedelta(hours=2)
) -> list[Bought]:
    """Vouchers claimed on one phone, used in a burst at one till, each just at the threshold."""
    return [
        bought(
            held,
            scene,
            order_fen=5_000,
            device_hash=DEVICE,
            at=start + timedelta(seconds=2 * number),
        )
        for number in range(count)
    ]


def standings(held: Resources, redemptions: Iterable[Bought]) -> list[Standing]:
    with transaction(held.sessions) as session:
        found = {
            payable.id: Standing(payable.standing)
            for payable in session.scalars(
                select(Payable).where(Payable.id.in_([r.id for r in redemptions]))
            )
        }
    return [found[redemption.id] for redemption in redemptions]


def open_cases(held: Resources) -> list[Case]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(Case).where(Case.state == CaseState.OPEN)))


def only_case(held: Resources) -> UUID:
    (case,) = open_cases(held)
    return case.id
