"""Loads a season's files into the database, with the demo's people. Never in production."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from admin.enrol import enrol
from coupon_service.campaigns.models import Channel, Season
from coupon_service.core.clock import local_date
from coupon_service.issuance.claim import ClaimCommand
from coupon_service.issuance.gate import Gate
from coupon_service.residents.confirm_real_name import confirm_real_name
from coupon_service.residents.request_code import request_code
from coupon_service.residents.sign_in import sign_in
from coupon_service.simulation.demo import people as demo_people
from coupon_service.simulation.demo.load_ar import load_ar
from coupon_service.simulation.demo.load_budget import (
    find_or_add_district,
    load_budget,
    load_campaigns,
)
from coupon_service.simulation.demo.load_merchants import load_merchants, load_stores, load_tills
from coupon_service.simulation.demo.load_ways import (
    claim_all,
    load_awards,
    load_codes,
    load_draws,
    load_family,
    load_waiting,
)
from coupon_service.simulation.demo.means import Means
from coupon_service.simulation.season.files import XICHENG_2022, read_season
from coupon_service.simulation.season.rows import SeasonFile
from merchants.onboard import create_user

# Two services that start at once load the demo once.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('demo-season', 0))")


@dataclass(frozen=True)
class DemoSeason:
    """What a load has made. Counts, and ids by the codes of the files."""

    season_id: UUID
    node_count: int
    till_count: int
    merchant_ids: dict[str, UUID]
    store_ids: dict[str, UUID]
    release_ids: dict[str, UUID]
    resident_ids: tuple[UUID, ...]


def ensure_demo(session: Session, means: Means, *, now: datetime) -> DemoSeason | None:
    """Load Xicheng's demo season unless the database has a season already; None if it has.

    Raises:
        DemoInProductionError: the settings are those of production.
    """
    demo_people.refuse_production(means.settings)
    session.execute(_LOCK)
    if session.scalars(select(Season.id).limit(1)).first() is not None:
        return None
    return load_demo_season(session, read_season(XICHENG_2022), means, now=now)


def load_demo_season(
    session: Session, file: SeasonFile, means: Means, *, now: datetime
) -> DemoSeason:
    """Load a season and the demo's people. `now` is the database's: demo residents claim at once.

    Raises:
        DemoInProductionError: the settings are those of production.
        CodeTakenError: a merchant or store of the file is in the database already.
    """
    demo_people.refuse_production(means.settings)
    district = find_or_add_district(session, file)
    budget = load_budget(session, file, district, local_date(now))
    merchant_ids = load_merchants(session, file, district.id, means.vault, now=now)
    store_ids = load_stores(session, file, merchant_ids)
    till_count = load_tills(session, file, store_ids, means.settings)
    campaign_ids, release_ids = load_campaigns(session, file, budget, store_ids, now=now)
    load_ar(
        session,
        file,
        means,
        district.id,
        nodes=budget.nodes,
        release_ids=release_ids,
        store_ids=store_ids,
        load_day=local_date(now),
    )
    official_id = _enrol_people(session, means, district.id, merchant_ids)
    resident_ids = _sign_residents_in(session, means, now)
    load_codes(session, file, means, release_ids, official_id=official_id)
    load_awards(session, file, campaign_ids, release_ids)
    _claim_for_residents(session, means.gate, file, release_ids, resident_ids)
    load_waiting(session, file, means.gate, release_ids, resident_ids, now=now)
    load_draws(session, file, means, release_ids, resident_ids, now=now)
    load_family(session, file, means, release_ids, resident_ids, now=now)
    return DemoSeason(
        season_id=budget.season.id,
        node_count=len(budget.nodes),
        till_count=till_count,
        merchant_ids=merchant_ids,
        store_ids=store_ids,
        release_ids=release_ids,
        resident_ids=resident_ids,
    )


def _enrol_people(
    session: Session, means: Means, district_id: UUID, merchant_ids: dict[str, UUID]
) -> UUID:
    """Enrol the officials and a merchant's owner; returns the first official's id."""
    settings = means.settings
    enrolled = [
        enrol(
            session,
            means.vault,
            district_id=district_id,
            username=official.username,
            name=official.name,
            role=official.role,
            password=demo_people.password(settings, official.username),
            totp_secret=demo_people.totp_secret(settings, official.username),
        )
        for official in demo_people.OFFICIALS
    ]
    owned = merchant_ids.get(demo_people.OWNER_MERCHANT) or next(iter(merchant_ids.values()))
    owner = demo_people.OWNER_USERNAME
    create_user(session, owned, username=owner, password=demo_people.password(settings, owner))
    return enrolled[0].official_id


def _sign_residents_in(session: Session, means: Means, now: datetime) -> tuple[UUID, ...]:
    """Sign every demo resident in and confirm the real name, as they would on their phones."""
    vault, ttl_s = means.vault, means.settings.sign_in_code_ttl_s
    ids = []
    for person in demo_people.demo_residents():
        code = request_code(session, vault, person.phone, now=now, ttl_s=ttl_s)
        resident = sign_in(session, vault, person.phone, code, now=now)
        assert resident is not None, "the code was made for this phone just now"
        confirm_real_name(session, vault, resident.id, person.name, person.id_number, now=now)
        ids.append(resident.id)
    return tuple(ids)


def _claim_for_residents(
    session: Session,
    gate: Gate,
    file: SeasonFile,
    release_ids: dict[str, UUID],
    resident_ids: tuple[UUID, ...],
) -> None:
    commands = [
        ClaimCommand(release_ids[row.code], resident_id, Channel.ONLINE)
        for row in file.releases
        for resident_id in resident_ids[: row.demo_claims]
    ]
    claim_all(session, gate, commands)
