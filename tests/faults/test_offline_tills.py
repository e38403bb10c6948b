"""Tills without a network that disagree, forget, or lie about what they did."""

from threading import Barrier, Thread

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select

from admin.models import AuditEntry
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.ledger.queries import balance_fen
from redemption.models import Redemption
from redemption.offline.exposure import exposure_of_season, pool
from redemption.offline.models import OfflineAlarm, OfflineLoss, OfflineRecord
from tests.factories.officials import make_official, signed_in_as
from tests.factories.offline import OfflineTill, allow_offline, shown_phone
from tests.factories.redemption import Market, make_counter, make_market
from tests.invariants import assert_invariants

CAP_FEN = 6_000


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"offline_fen_max": CAP_FEN})


@pytest.fixture
def market(held: Resources) -> Market:
    with transaction(held.sessions) as session:
        market = make_market(session)
    allow_offline(held, market, market.counter, pool_fen=2 * CAP_FEN)
    return market


@pytest.fixture
def till(client: FlaskClient, market: Market) -> OfflineTill:
    till = OfflineTill(client, market.counter)
    till.go_offline()
    return till


def test_two_offline_tills_one_voucher_one_wins_and_the_exposure_stays_under_the_cap(
    held: Resources, app: OpenAPI, market: Market
) -> None:
    with transaction(held.sessions) as session:
        there = make_counter(session, market.small.district)
    allow_offline(held, market, there, pool_fen=0)
    tills = [OfflineTill(app.test_client(), counter) for counter in (market.counter, there)]
    shown = [shown_phone(held, market) for _ in range(3)]
    for till in tills:
        till.go_offline()
        for one in shown:
            till.accept(one.code())
    with transaction(held.sessions) as session:
        season_id, now = market.small.season.id, db_now(session)
        assert exposure_of_season(session, season_id, now=now) == 2 * CAP_FEN
        assert balance_fen(session, pool(season_id)) == 2 * CAP_FEN
    # One brings them in forwards; both at once, so they meet in the middle.
    barrier, outcomes = Barrier(2), {}

    def bring(index: int) -> None:
        barrier.wait()
        with app.app_context():
            outcomes[index] = [outcome for outcome, _ in tills[index].outcomes()]

    threads = [Thread(target=bring, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes[0] + outcomes[1]) == ["conflict"] * 3 + ["redeemed"] * 3
    with transaction(held.sessions) as session:
        assert session.scalar(select(func.count()).select_from(Redemption)) == 3
        assert session.scalar(select(func.sum(OfflineLoss.amount_fen))) == 3 * 2_000
        assert balance_fen(session, pool(season_id)) == 2 * CAP_FEN - 3 * 2_000
        assert exposure_of_season(session, season_id, now=db_now(session)) == 0
    assert_invariants(held)


def test_a_till_that_rolls_its_storage_back_raises_an_alarm_by_its_fork(
    held: Resources, market: Market, till: OfflineTill
) -> None:
    backup = till.copy()
    till.accept(shown_phone(held, market).code())
    assert till.outcomes() == [("redeemed", None)]
    backup.accept(shown_phone(held, market).code())
    answer = backup.bring_in().get_json()
    assert answer["is_suspended"] is True
    assert [one["outcome"] for one in answer["records"]] == ["broken"]
    with transaction(held.sessions) as session:
        alarm = session.scalars(select(OfflineAlarm)).one()
        assert (alarm.kind, alarm.seq) == ("fork", 1)
        assert session.scalar(select(func.count()).select_from(OfflineRecord)) == 2
        assert session.scalar(select(func.count()).select_from(Redemption)) == 1
    for refused in (till.bring_in(), till.ask_lease(), OfflineTill.enrol(till)):
        assert refused.get_json()["slug"] == "offline-suspended"
    assert_invariants(held)


def test_a_rolled_back_till_that_only_asks_for_a_lease_is_found_out_too(
    held: Resources, market: Market, till: OfflineTill
) -> None:
    backup = till.copy()
    till.accept(shown_phone(held, market).code())
    till.outcomes()
    assert backup.ask_lease().get_json()["slug"] == "offline-suspended"
    with transaction(held.sessions) as session:
        assert session.scalars(select(OfflineAlarm)).one().kind == "rollback"
    assert_invariants(held)


def test_a_missing_record_raises_an_alarm_and_what_follows_is_kept_as_evidence(
    held: Resources, market: Market, till: OfflineTill
) -> None:
    for _ in range(3):
        till.accept(shown_phone(held, market).code())
    answer = till.bring_in([till.queue[0], till.queue[2]]).get_json()
    assert [one["outcome"] for one in answer["records"]] == ["redeemed", "broken"]
    with transaction(held.sessions) as session:
        alarm = session.scalars(select(OfflineAlarm)).one()
        assert (alarm.kind, alarm.seq) == ("gap", 3)
    assert_invariants(held)


def test_an_official_hears_of_an_alarm_clears_it_and_the_till_starts_a_new_chain(
    held: Resources, app: OpenAPI, market: Market, till: OfflineTill
) -> None:
    backup = till.copy()
    till.accept(shown_phone(held, market).code())
    till.outcomes()
    backup.ask_lease()
    drain(held.sessions)
    office = signed_in_as(app, make_official(held, market.small.district.id))
    (alarm,) = office.get("/api/v1/office/offline/alarms").get_json()["alarms"]
    assert (alarm["till_id"], alarm["kind"]) == (str(market.counter.till.id), "rollback")
    clear = f"/api/v1/office/offline/alarms/{alarm['alarm_id']}/clear"
    assert office.post(clear, json={"reason": "平板恢复过备份"}).status_code == 204
    assert office.post(clear, json={"reason": "再来一次"}).status_code == 404
    assert office.get("/api/v1/office/offline/alarms").get_json()["alarms"] == []
    with transaction(held.sessions) as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert [one for one in actions if one.startswith("offline.")] == [
        "offline.alarm",
        "offline.clear-alarm",
    ]
    assert till.bring_in().get_json()["slug"] == "offline-device-not-found"
    fresh = OfflineTill(till.client, till.counter)
    fresh.go_offline()
    fresh.accept(shown_phone(held, market).code())
    assert fresh.outcomes() == [("redeemed", None)]
    assert_invariants(held)


def test_parts_of_a_queue_come_in_as_the_network_allows(
    held: Resources, market: Market, till: OfflineTill
) -> None:
    for _ in range(3):
        till.accept(shown_phone(held, market).code())
    for part in (till.queue[:1], till.queue[:2], till.queue[1:], till.queue):
        answer = till.bring_in(part).get_json()
        assert {one["outcome"] for one in answer["records"]} == {"redeemed"}
    with transaction(held.sessions) as session:
        assert session.scalar(select(func.count()).select_from(OfflineRecord)) == 3
    assert_invariants(held)
