"""What the bench works on: a season, its residents, tills and vouchers, written in bulk."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from os import urandom
from typing import LiteralString
from uuid import UUID

import psycopg
from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.campaigns.fund import allocate, appropriate
from coupon_service.campaigns.models import (
    BudgetNode,
    Campaign,
    Channel,
    District,
    NodeLevel,
    RefundPolicy,
    Release,
    Season,
    ThresholdBasis,
)
from coupon_service.campaigns.release import publish
from coupon_service.core.auth import Kind, Principal, write_cookie
from coupon_service.core.clock import db_now
from coupon_service.core.ids import new_id
from coupon_service.issuance.gate import gate
from coupon_service.issuance.reconcile import warm
from coupon_service.simulation.phone import Phone
from coupon_service.vouchers.token import VoucherFacts
from merchants.onboard import NewStore, create_merchant, create_store, create_till

FACE_FEN = 20_00
THRESHOLD_FEN = 50_00
_MERCHANTS = 100
_STORES_EACH = 2
# As many tills as keep each below its limit of 120 scans a minute.
_TILLS_EACH = 3
_SEASON_FEN = 100_000_000_000
# A cookie outlives its minute, so that a long burst reads these rows as a real one would.
_SIGN_IN = text(
    """
    INSERT INTO sign_in_sessions (id, principal_kind, principal_id, user_agent, expires_at)
    SELECT id, 'resident', id, 'bench', now() + interval '1 day' FROM residents
    """
)
_BORN_ON = date(1988, 8, 8)
_AREA_CODE = "110102"
# Claimed so long ago that no rule finds the use too quick.
_CLAIMED_BEFORE = timedelta(hours=20)


@dataclass(frozen=True)
class BenchData:
    """What was prepared.

    Attributes:
        phones: those bound so far, by resident; who has one shows every voucher on it.
    """

    campaign_id: UUID
    resident_ids: Sequence[UUID]
    till_keys: Sequence[str]
    phones: dict[UUID, Phone] = field(default_factory=dict)


def prepare(session: Session, *, residents: int) -> BenchData:
    """A running season with one campaign, its merchants with tills, and verified residents."""
    campaign = _campaign(session)
    district_id = campaign.season.district_id
    keys = [key for number in range(_MERCHANTS) for key in _merchant(session, district_id, number)]
    return BenchData(campaign.id, _residents(session, residents), keys)


def open_release(session: Session, data: BenchData, *, quantity: int) -> UUID:
    """A release of the campaign that is open since a minute ago."""
    now = db_now(session)
    release = Release(
        id=new_id(),
        campaign_id=data.campaign_id,
        name="bench",
        quantity=quantity,
        opens_at=now - timedelta(minutes=1),
        closes_at=now + timedelta(days=1),
    )
    session.add(release)
    session.flush()
    publish(session, release.id, now=now)
    return release.id


def warm_gate(session: Session, release_id: UUID) -> None:
    """What the reconciler does every ten seconds, and long before a release opens."""
    warm(session, gate(), release_id)


def issue_vouchers(
    session: Session, release_id: UUID, resident_ids: Sequence[UUID]
) -> list[VoucherFacts]:
    """Give these residents their voucher of a release, some hours ago."""
    number: int = session.execute(
        text("SELECT number FROM releases WHERE id = :id"), {"id": release_id}
    ).scalar_one()
    now = db_now(session)
    claimed_at = now - _CLAIMED_BEFORE
    expires_at = now + timedelta(days=7)
    facts = [
        VoucherFacts(new_id(), number, FACE_FEN, THRESHOLD_FEN, claimed_at, expires_at)
        for _ in resident_ids
    ]
    columns = (
        "id, release_id, seat, resident_id, ordinal, claim_channel, device_hash,"
        " claimed_at, valid_from, expires_at"
    )
    with _copy(session, f"COPY vouchers ({columns}) FROM STDIN") as copy:
        for seat, (one, resident_id) in enumerate(zip(facts, resident_ids, strict=True), start=1):
            copy.write_row(
                (
                    one.voucher_id,
                    release_id,
                    seat,
                    resident_id,
                    1,
                    Channel.ONLINE.value,
                    urandom(16),
                    claimed_at,
                    claimed_at,
                    expires_at,
                )
            )
    return facts


def bind_phones(session: Session, phones: Mapping[UUID, Phone]) -> None:
    """Bind a phone to each of these residents, so long ago that it is usable."""
    bound_at = db_now(session) - _CLAIMED_BEFORE
    columns = "id, resident_id, public_key, bound_at, usable_from"
    with _copy(session, f"COPY phone_keys ({columns}) FROM STDIN") as copy:
        for resident_id, phone in phones.items():
            copy.write_row((new_id(), resident_id, phone.public_key, bound_at, bound_at))


def cookies(app: Flask, resident_ids: Sequence[UUID]) -> list[str]:
    """A `Cookie` header per resident, as fresh as from a sign-in just now."""
    headers = []
    with app.test_request_context():
        for resident_id in resident_ids:
            response = Response()
            # `_residents` signed them in under their own ids.
            write_cookie(
                response, Principal(Kind.RESIDENT, resident_id, verified=True), resident_id
            )
            headers.append(response.headers["Set-Cookie"].partition(";")[0])
    return headers


def _campaign(session: Session) -> Campaign:
    now = db_now(session)
    district = District(id=new_id(), code="bench", name="压测区")
    session.add(district)
    session.flush()
    season = Season(
        id=new_id(),
        district_id=district.id,
        code="bench",
        name="压测消费季",
        starts_at=now - timedelta(days=2),
        ends_at=now + timedelta(days=30),
    )
    session.add(season)
    session.flush()
    appropriate(session, season, _SEASON_FEN)
    parent_id = None
    for level in (NodeLevel.BOARD, NodeLevel.SERIES, NodeLevel.EVENT):
        node = BudgetNode(
            id=new_id(),
            season_id=season.id,
            parent_id=parent_id,
            level=level,
            code=f"bench-{level}",
            name=f"压测{level}",
        )
        session.add(node)
        session.flush()
        allocate(session, node, _SEASON_FEN)
        parent_id = node.id
    assert parent_id is not None
    campaign = Campaign(
        id=new_id(),
        season_id=season.id,
        node_id=parent_id,
        code="bench",
        name="满50减20",
        face_fen=FACE_FEN,
        threshold_fen=THRESHOLD_FEN,
        threshold_basis=ThresholdBasis.BEFORE,
        valid_from=now - timedelta(days=2),
        valid_until=now + timedelta(days=30),
        refund_policy=RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY,
        claim_channels=[Channel.ONLINE],
        redeem_channels=[Channel.ONSITE],
    )
    campaign.season = season
    session.add(campaign)
    session.flush()
    return campaign


def _merchant(session: Session, district_id: UUID, number: int) -> list[str]:
    merchant = create_merchant(
        session, district_id=district_id, code=f"bench-{number:03}", name=f"压测商户{number:03}"
    )
    keys = []
    for place in range(_STORES_EACH):
        store = create_store(
            session,
            merchant.id,
            NewStore(
                code=f"bench-{number:03}-{place}",
                name=f"压测门店{number:03}-{place}",
                category="餐饮",
                zone="压测片区",
                street="压测街道",
                address="压测街道",
                lat=39.9,
                lon=116.37,
                opens=time(0),
                closes=time(0),
            ),
        )
        keys += [create_till(session, store.id, f"till {n}").key for n in range(_TILLS_EACH)]
    return keys


def _residents(session: Session, count: int) -> list[UUID]:
    """Verified residents. What is sealed is noise: nothing on the measured ways opens it."""
    now = datetime.now(UTC)
    ids = [new_id() for _ in range(count)]
    columns = (
        "id, phone_sealed, phone_index, id_number_sealed, id_number_index, born_on, area_code,"
        " verified_at"
    )
    known = (_BORN_ON, _AREA_CODE, now)
    with _copy(session, f"COPY residents ({columns}) FROM STDIN") as copy:
        for resident_id in ids:
            sealed = (urandom(40), urandom(32), urandom(47), urandom(32))
            copy.write_row((resident_id, *sealed, *known))
    session.execute(_SIGN_IN)
    session.execute(text("ANALYZE residents"))
    return ids


def _copy(session: Session, statement: LiteralString) -> AbstractContextManager[psycopg.Copy]:
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor().copy(statement)
