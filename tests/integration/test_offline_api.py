"""Who may trade offline, what a lease says, and what officials see and do."""

from uuid import UUID

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select

from coupon_service.campaigns.fund import appropriate
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.ledger.queries import balance_fen
from coupon_service.vouchers.keys import current_keyring
from redemption.offline.cli import offline_money
from redemption.offline.exposure import pool
from redemption.offline.models import OfflineDevice, OfflineLease, OfflineMerchant
from tests.factories.campaigns import make_campaign, make_release
from tests.factories.officials import make_official, signed_in_as
from tests.factories.offline import OfflineTill, allow_offline, shown_phone
from tests.factories.redemption import Market, another_till, make_counter, make_market
from tests.invariants import assert_invariants


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changed = {"offline_vouchers_max": 3, "offline_fen_max": 5_000, "offline_face_max_fen": 3_000}
    return settings.model_copy(update=changed)


@pytest.fixture
def market(held: Resources) -> Market:
    with transaction(held.sessions) as session:
        return make_market(session)


def test_only_an_allowed_merchants_till_gets_a_device(
    held: Resources, client: FlaskClient, market: Market
) -> None:
    till = OfflineTill(client, market.counter)
    asked = client.get("/api/v1/offline", headers=market.counter.headers)
    assert asked.get_json()["is_allowed"] is False
    assert till.enrol().get_json()["slug"] == "offline-not-allowed"
    with transaction(held.sessions) as session:
        assert session.scalar(select(func.count()).select_from(OfflineDevice)) == 0
    allow_offline(held, market, market.counter)
    assert till.enrol().status_code == 201
    first = till.device_id
    assert till.enrol().status_code == 201
    assert till.device_id == first


def test_a_lease_has_what_a_till_needs_to_judge_and_the_issuers_signature(
    held: Resources, app: OpenAPI, client: FlaskClient, market: Market
) -> None:
    with transaction(held.sessions) as session:
        make_release(session, make_campaign(session, market.small, code="dear", face_fen=3_001))
        elsewhere = {"store_ids": ["none"]}
        make_release(session, make_campaign(session, market.small, code="far", scope=elsewhere))
        slot = [{"hours": ["11:00", "13:00"], "capacity": 9}]
        make_release(session, make_campaign(session, market.small, code="slot", slots=slot))
        at_noon = {"hours": [["12:00", "13:00"]]}
        noon = make_campaign(session, market.small, code="noon", scope=at_noon)
        noon_number = make_release(session, noon).number
        number = market.release.number
    allow_offline(held, market, market.counter)
    till = OfflineTill(client, market.counter)
    till.enrol()
    said = till.ask_lease().get_json()
    assert current_keyring().verifies(
        said["kid"],
        b"coupon-offline-lease\x01" + said["text"].encode(),
        bytes.fromhex(said["signature"]),
    )
    terms = {one["releases"][0]: one for one in orjson.loads(said["text"])["terms"]}
    assert terms.keys() == {number, noon_number}
    assert terms[number]["open"] is None
    assert {until - since for since, until in terms[noon_number]["open"]} == {3_600_000}
    assert (till.lease["seq_max"], till.lease["fen_max"]) == (3, 5_000)
    assert till.lease["expires_at"] - till.lease["issued_at"] == 24 * 3_600_000
    assert said["words"]["expired-token"]


def test_browsers_of_one_till_share_its_allowance(
    held: Resources, client: FlaskClient, market: Market
) -> None:
    allow_offline(held, market, market.counter)
    first, second = (OfflineTill(client, market.counter) for _ in range(2))
    first.go_offline()
    second.enrol()
    assert second.ask_lease().get_json()["slug"] == "offline-no-room"
    with transaction(held.sessions) as session:
        other = another_till(session, market.counter)
    OfflineTill(client, other).go_offline()
    assert_invariants(held)


def test_leases_never_promise_more_than_is_set_aside(
    held: Resources, client: FlaskClient, market: Market
) -> None:
    allow_offline(held, market, market.counter, pool_fen=7_000)
    with transaction(held.sessions) as session:
        counters = [market.counter, *(another_till(session, market.counter) for _ in range(2))]
    tills = [OfflineTill(client, counter) for counter in counters]
    for till in tills:
        till.enrol()
    answers = [till.ask_lease().status_code for till in tills]
    assert answers == [201, 201, 409]
    assert [till.lease.get("fen_max") for till in tills] == [5_000, 2_000, None]
    assert tills[0].ask_lease().status_code == 201
    assert tills[0].lease["fen_max"] == 5_000
    assert_invariants(held)


def test_a_lease_that_was_not_received_gives_nothing_away(
    held: Resources, client: FlaskClient, market: Market
) -> None:
    allow_offline(held, market, market.counter)
    till = OfflineTill(client, market.counter)
    till.go_offline()
    before = till.lease
    till.ask_lease()
    after, till.lease = till.lease, before
    for lease in (before, after, before):
        till.lease = lease
        till.accept(shown_phone(held, market).code())
    assert [outcome for outcome, _ in till.outcomes()] == ["redeemed", "redeemed", "refused"]
    assert till.ask_lease().status_code == 201
    assert (till.lease["seq_max"], till.lease["fen_max"]) == (6, 11_000)
    assert_invariants(held)


def test_a_lease_is_for_who_has_brought_everything_in(
    held: Resources, client: FlaskClient, market: Market
) -> None:
    allow_offline(held, market, market.counter)
    till = OfflineTill(client, market.counter)
    till.go_offline()
    till.accept(shown_phone(held, market).code())
    assert till.ask_lease().get_json()["slug"] == "offline-not-brought-in"
    with transaction(held.sessions) as session:
        assert session.scalar(select(func.count()).select_from(OfflineLease)) == 1


def test_a_record_that_was_tampered_with_or_is_anothers_is_not_taken(
    held: Resources, client: FlaskClient, market: Market
) -> None:
    allow_offline(held, market, market.counter)
    till = OfflineTill(client, market.counter)
    till.go_offline()
    record = till.accept(shown_phone(held, market).code())
    body = bytearray.fromhex(record["body"])
    body[92] ^= 1  # of the order's amount
    tampered = record | {"body": body.hex()}
    assert till.bring_in([tampered]).get_json()["slug"] == "offline-record-invalid"
    thief = OfflineTill(
        client, market.counter, ec.generate_private_key(ec.SECP256R1()), till.device_id, till.lease
    )
    thief.accept(shown_phone(held, market).code())
    assert thief.bring_in().get_json()["slug"] == "offline-record-invalid"
    with transaction(held.sessions) as session:
        device = session.get_one(OfflineDevice, till.device_id)
        assert (device.brought_seq, device.closed_at) == (0, None)
    assert [outcome for outcome, _ in till.outcomes()] == ["redeemed"]
    assert_invariants(held)


def test_another_tills_device_does_not_exist(
    held: Resources, client: FlaskClient, market: Market
) -> None:
    allow_offline(held, market, market.counter)
    till = OfflineTill(client, market.counter)
    till.go_offline()
    with transaction(held.sessions) as session:
        stranger = make_counter(session, market.small.district)
    allow_offline(held, market, stranger, pool_fen=0)
    till.counter = stranger
    assert till.ask_lease().get_json()["slug"] == "offline-device-not-found"


def test_an_official_opens_and_ends_it_and_sets_money_aside(
    held: Resources, app: OpenAPI, market: Market
) -> None:
    office = signed_in_as(app, make_official(held, market.small.district.id))
    season_id, merchant_id = market.small.season.id, market.counter.merchant.id
    with transaction(held.sessions) as session:
        appropriate(session, market.small.season, 3_000)
    address = "/api/v1/office/offline"
    money = f"{address}/seasons/{season_id}/money"
    assert office.post(money, json={"amount_fen": 3_001}).status_code == 409
    assert office.post(money, json={"amount_fen": 3_000}).status_code == 204
    body = {"policy": "district"}
    merchant = f"{address}/seasons/{season_id}/merchants/{merchant_id}"
    assert office.put(merchant, json=body).status_code == 204
    assert office.put(merchant, json=body | {"is_allowed": False}).status_code == 204
    with transaction(held.sessions) as session:
        assert session.scalars(select(OfflineMerchant)).one().ended_at is not None
        assert balance_fen(session, pool(season_id)) == 3_000
    other = signed_in_as(app, make_official(held, _another_district(held)))
    assert other.put(merchant, json=body).status_code == 404
    assert_invariants(held)


def _another_district(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return make_market(session).small.district.id


def test_money_that_tills_rely_on_does_not_go_back(
    held: Resources, app: OpenAPI, market: Market, client: FlaskClient
) -> None:
    allow_offline(held, market, market.counter, pool_fen=6_000)
    OfflineTill(client, market.counter).go_offline()
    season = market.small.season.code
    runner = app.test_cli_runner()
    assert "rely on" in runner.invoke(offline_money, [season, "11", "--back"]).output
    assert runner.invoke(offline_money, [season, "10", "--back"]).exit_code == 0
    with transaction(held.sessions) as session:
        assert balance_fen(session, pool(market.small.season.id)) == 5_000
    assert_invariants(held)
