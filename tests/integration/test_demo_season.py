"""The demo season in a real database: all its money and people, once, and never in production."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from flask_openapi3 import OpenAPI
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin.sign_in import sign_in as sign_official_in
from coupon_service.campaigns.models import (
    BudgetNode,
    Campaign,
    Channel,
    Mode,
    NodeLevel,
    Release,
    ReleaseQuota,
    ReleaseState,
)
from coupon_service.campaigns.queries import offered_releases
from coupon_service.core.auth import Kind
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Environment
from coupon_service.core.webhooks import as_key
from coupon_service.issuance.claim import ClaimCommand, Refused, claim
from coupon_service.issuance.codes.claim_with_code import claim_with_code
from coupon_service.issuance.errors import NotEligibleError
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lottery.models import DrawState, LotteryDraw
from coupon_service.issuance.lottery.queries import result_parts, source_of
from coupon_service.issuance.lottery.verify_draw import faults_of, read_result
from coupon_service.issuance.waiting.models import WaitingEntry
from coupon_service.ledger.models import AccountKind, Transfer
from coupon_service.ledger.queries import season_totals_fen
from coupon_service.notices.models import Notice, NoticeKind
from coupon_service.residents.household import acting_for
from coupon_service.residents.models import Resident
from coupon_service.simulation.demo import people as demo_people
from coupon_service.simulation.demo.load import DemoSeason, ensure_demo
from coupon_service.simulation.demo.means import Means
from coupon_service.simulation.demo.people import (
    AGENT,
    COMMUNITY_RELEASE,
    PARENT,
    DemoInProductionError,
)
from coupon_service.simulation.demo.sign_ins import describe
from coupon_service.simulation.demo.welcome import welcome
from coupon_service.simulation.season.files import XICHENG_2022, read_season
from coupon_service.simulation.season.rows import DEMO_CLAIMS_MAX
from coupon_service.vouchers.models import Voucher
from merchants.auth import sign_in as sign_owner_in
from merchants.auth import till_principal
from merchants.models import Merchant, Store, Till
from redemption.ar.keys import live_keys
from redemption.ar.models import ArAnchor, ArProvider
from redemption.awards.models import AwardRule
from tests.invariants import assert_invariants

FOR_THE_PARENT = 1
APPROPRIATION_FEN = 20_000_000 * 100
TABLES = (BudgetNode, Campaign, Release, Merchant, Store, Till, Resident, Voucher, Transfer)


@pytest.fixture
def means(held: Resources) -> Means:
    return Means(held.settings, held.vault, gate())


@pytest.fixture
def load(held: Resources, means: Means) -> Callable[[], DemoSeason | None]:
    def load() -> DemoSeason | None:
        with transaction(held.sessions) as session:
            return ensure_demo(session, means, now=db_now(session))

    return load


def row_counts(session: Session) -> list[int]:
    return [
        session.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES
    ]


def test_the_demo_season_is_loaded_whole_and_its_money_adds_up(
    held: Resources, load: Callable[[], DemoSeason | None]
) -> None:
    file = read_season(XICHENG_2022)
    demo = load()
    assert demo is not None
    with transaction(held.sessions) as session:
        levels = session.execute(
            select(BudgetNode.level, func.count()).group_by(BudgetNode.level)
        ).all()
        assert {NodeLevel(level): count for level, count in levels} == {
            NodeLevel.BOARD: 5,
            NodeLevel.SERIES: 24,
            NodeLevel.EVENT: len(file.events),
        }
        totals = season_totals_fen(session, demo.season_id)
        assert totals[AccountKind.APPROPRIATION] == -APPROPRIATION_FEN
        assert totals[AccountKind.TREASURY] == 0
        assert totals[AccountKind.BUDGET] + totals[AccountKind.RESERVED] == APPROPRIATION_FEN
        assert totals[AccountKind.RESERVED] > 0
        counts = dict(zip(TABLES, row_counts(session), strict=True))
        assert counts[Store] == len(file.stores) == len(demo.store_ids)
        assert counts[Merchant] == len(file.merchants)
        assert counts[Till] == demo.till_count
        claimed = sum(release.demo_claims for release in file.releases)
        won = session.scalars(select(LotteryDraw.winners_count)).all()
        assert counts[Voucher] == claimed + sum(won) + FOR_THE_PARENT
        anchors = session.execute(select(func.count()).select_from(ArAnchor)).scalar_one()
        assert anchors == len(file.anchors)
        now = db_now(session)
        offered = offered_releases(session, now)
        assert any(release.opens_at <= now for release in offered)
        assert any(release.opens_at > now for release in offered)
        assert ReleaseState.CLOSED in session.scalars(select(Release.state)).all()
        full = demo.release_ids["lantern-class-1"]
        taken = session.execute(select(func.count()).where(Voucher.release_id == full))
        assert taken.scalar_one() == session.get_one(Release, full).quantity
    assert_invariants(held)


def test_every_way_of_issuing_is_in_the_demo(
    held: Resources, load: Callable[[], DemoSeason | None]
) -> None:
    demo = load()
    assert demo is not None
    ids = demo.release_ids
    with transaction(held.sessions) as session:
        release = {code: session.get_one(Release, id_) for code, id_ in ids.items()}
        assert {code: one.mode for code, one in release.items() if one.mode != Mode.FIRST_COME} == {
            "qipao-1": Mode.LOTTERY,
            "qipao-2": Mode.LOTTERY,
            "group-chain-1": Mode.CODE,
            "lantern-supper-1": Mode.AWARD,
        }
        quota = session.scalars(select(ReleaseQuota)).one()
        assert quota.release_id == ids["grocery-basket-1"]
        assert (quota.eligibility, quota.first_seat, quota.last_seat) == ({"min_age": 60}, 1, 5000)
        (roomy,) = [one for one in release.values() if one.waiting_room]
        now = db_now(session)
        assert roomy.id == ids["family-meal-1"]
        assert now < roomy.opens_at <= now + timedelta(minutes=10)
        rule = session.scalars(select(AwardRule)).one()
        assert rule.release_id == ids["lantern-supper-1"]
        assert rule.source_campaign_id == release["group-chain-1"].campaign_id
        late = session.scalars(
            select(WaitingEntry.resident_id)
            .where(WaitingEntry.release_id == ids["lantern-class-1"])
            .order_by(WaitingEntry.place)
        ).all()
        assert tuple(late) == demo.resident_ids[6:]
    assert_invariants(held)


def test_what_nobody_took_of_the_demos_past_rounds_is_in_the_running_one(
    held: Resources, load: Callable[[], DemoSeason | None]
) -> None:
    demo = load()
    assert demo is not None
    with transaction(held.sessions) as session:
        rounds = [
            session.get_one(Release, demo.release_ids[f"friday-50-20-round-{number}"])
            for number in range(1, 7)
        ]
        for one, following in pairwise(rounds):
            assert one.flows_into_id == following.id
        over = [one for one in rounds if one.state == ReleaseState.CLOSED]
        running, *ahead = rounds[len(over) :]
        assert over
        assert running.quantity == 1500 * (len(over) + 1)
        assert {one.quantity for one in ahead} == {1500}


def test_the_demos_drawn_lottery_verifies_and_the_other_one_takes_entries(
    held: Resources, load: Callable[[], DemoSeason | None], tmp_path: Path
) -> None:
    demo = load()
    assert demo is not None
    with transaction(held.sessions) as session:
        drawn = session.get_one(LotteryDraw, demo.release_ids["qipao-1"])
        assert drawn.state == DrawState.PUBLISHED
        assert drawn.winners_count == drawn.quantity == 4
        file = tmp_path / "result.jsonl.gz"
        file.write_bytes(b"".join(result_parts(session, drawn.release_id)))
        assert list(faults_of(read_result(str(file)))) == []
        told = Counter(session.scalars(select(Notice.kind)))
        assert (told[NoticeKind.LOTTERY_WON], told[NoticeKind.LOTTERY_LOST]) == (4, 4)
        ahead = session.get_one(LotteryDraw, demo.release_ids["qipao-2"])
        assert ahead.state == DrawState.COLLECTING
        assert source_of(ahead).fetch(held.settings) is not None


def test_the_printed_community_code_brings_a_voucher(
    held: Resources, load: Callable[[], DemoSeason | None]
) -> None:
    demo = load()
    assert demo is not None
    resident_id = demo.resident_ids[0]
    with transaction(held.sessions) as session:
        printed = welcome(session, "http://localhost").splitlines()
        code = next(line.split()[1] for line in printed if line.startswith("  community"))
        granted = claim_with_code(
            session,
            gate(),
            held.vault,
            typed=code,
            resident_id=resident_id,
            device_hash=None,
            now=db_now(session),
        )
        voucher = session.get_one(Voucher, granted.voucher.voucher_id)
        assert voucher.release_id == demo.release_ids[COMMUNITY_RELEASE]
    assert_invariants(held)


def test_a_demo_resident_acts_for_a_parent_who_alone_is_old_enough(
    held: Resources, load: Callable[[], DemoSeason | None]
) -> None:
    demo = load()
    assert demo is not None
    agent_id, parent_id = demo.resident_ids[AGENT], demo.resident_ids[PARENT]
    with transaction(held.sessions) as session:
        assert [one.id for one in acting_for(session, held.vault, agent_id)] == [parent_id]
        elders = demo.release_ids["silver-class-1"]
        voucher = session.scalars(select(Voucher).where(Voucher.release_id == elders)).one()
        assert (voucher.resident_id, voucher.claimed_by_id) == (parent_id, agent_id)
        command = ClaimCommand(elders, agent_id, Channel.ONLINE)
        (refused,) = claim(session, gate(), [command])
        assert isinstance(refused, Refused)
        assert isinstance(refused.error, NotEligibleError)
        assert session.scalars(select(Voucher).where(Voucher.release_id == elders)).all() == [
            voucher
        ]


def test_a_second_load_changes_nothing(
    held: Resources, load: Callable[[], DemoSeason | None]
) -> None:
    assert load() is not None
    with transaction(held.sessions) as session:
        before = row_counts(session)
    assert load() is None
    with transaction(held.sessions) as session:
        assert row_counts(session) == before
    assert_invariants(held)


def test_two_loads_at_once_load_once(app: OpenAPI, held: Resources, means: Means) -> None:
    def load_in_thread(_: int) -> DemoSeason | None:
        with app.app_context(), transaction(held.sessions) as session:
            return ensure_demo(session, means, now=db_now(session))

    with ThreadPoolExecutor(2) as pool:
        loaded = list(pool.map(load_in_thread, range(2)))
    assert sum(demo is not None for demo in loaded) == 1
    assert_invariants(held)


def test_production_refuses_the_demo_and_nothing_is_written(held: Resources, means: Means) -> None:
    production = held.settings.model_copy(update={"env": Environment.PRODUCTION})
    with transaction(held.sessions) as session:
        with pytest.raises(DemoInProductionError):
            ensure_demo(session, Means(production, means.vault, means.gate), now=db_now(session))
        assert row_counts(session) == [0] * len(TABLES)
    with pytest.raises(DemoInProductionError):
        describe(production)


def test_every_described_sign_in_opens_its_door(
    held: Resources, load: Callable[[], DemoSeason | None]
) -> None:
    assert load() is not None
    sign_ins = describe(held.settings)
    assert {one.role for one in sign_ins} == {
        Kind.RESIDENT,
        Kind.TILL,
        Kind.MERCHANT_OWNER,
        Kind.OFFICIAL,
        Kind.AUDITOR,
        Kind.ADMINISTRATOR,
    }
    for one in sign_ins:
        with transaction(held.sessions) as session:
            now = db_now(session)
            if one.totp_secret:
                found = sign_official_in(
                    session,
                    held.vault,
                    username=one.name,
                    password=one.secret,
                    code=one.one_time_code(now),
                    now=now,
                )
                assert found.kind is one.role
            elif one.role is Kind.MERCHANT_OWNER:
                assert sign_owner_in(session, one.name, one.secret).kind is one.role
            elif one.role is Kind.RESIDENT:
                phone_index = held.vault.index("phone", one.name)
                person = session.scalars(
                    select(Resident).where(Resident.phone_index == phone_index)
                ).one()
                assert person.verified_at is not None
        if one.role is Kind.TILL:
            till = till_principal(one.secret)
            assert till is not None
            assert till.kind is Kind.TILL


def test_every_demo_ar_provider_signs_with_its_derived_secret(
    held: Resources, load: Callable[[], DemoSeason | None]
) -> None:
    assert load() is not None
    with transaction(held.sessions) as session:
        providers = session.scalars(select(ArProvider)).all()
        assert providers
        for provider in providers:
            secret = demo_people.ar_secret(held.settings, provider.code)
            assert live_keys(held.vault, provider, db_now(session)) == [as_key(secret)]


def test_demo_secrets_depend_on_the_deployment(held: Resources) -> None:
    other = held.settings.model_copy(update={"secret_key": SecretStr("another-secret-" * 3)})
    mine = {one.secret for one in describe(held.settings) if one.secret}
    assert mine.isdisjoint(one.secret for one in describe(other))
    assert {one.secret for one in describe(held.settings) if one.secret} == mine
    assert len(demo_people.demo_residents()) == DEMO_CLAIMS_MAX
