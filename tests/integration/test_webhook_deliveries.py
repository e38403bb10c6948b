"""Webhooks to merchants: what is told, how often it is tried, and who may hear it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.core.webhooks import as_key, is_signed
from merchants.webhooks.deliver import BACK_OFF, REST_MAX, deliver_due
from merchants.webhooks.endpoints import (
    ENDPOINTS_MAX,
    add_endpoint,
    change_endpoint,
    remove_endpoint,
)
from merchants.webhooks.errors import (
    TooManyWebhookEndpointsError,
    WebhookAddressError,
    WebhookDeliveryNotFoundError,
    WebhookEndpointActiveError,
    WebhookEndpointNotFoundError,
    WebhookEndpointStoppedError,
)
from merchants.webhooks.jobs import DELIVERIES_KEPT, forget_deliveries
from merchants.webhooks.models import (
    TOPICS,
    DeliveryState,
    EventType,
    WebhookDelivery,
    WebhookEndpoint,
)
from merchants.webhooks.queue import send_again, send_test
from merchants.webhooks.secret import GRACE, rotate_secret
from tests.factories.campaigns import make_season
from tests.factories.pos import Receiver, make_endpoint, make_event, receiver
from tests.factories.redemption import Counter, make_counter, market_with_voucher
from tests.invariants import assert_invariants


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhooks_private": True})


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture
def shop(held: Resources) -> Counter:
    with transaction(held.sessions) as session:
        return make_counter(session, make_season(session).district)


def only_delivery(session: Session) -> WebhookDelivery:
    return session.scalars(select(WebhookDelivery)).one()


def later(held: Resources, by: timedelta) -> None:
    """As if that time had passed for whatever waits."""
    with transaction(held.sessions) as session:
        session.execute(update(WebhookDelivery).values(next_at=WebhookDelivery.next_at - by))
        session.execute(update(WebhookEndpoint).values(resume_at=WebhookEndpoint.resume_at - by))


def run(held: Resources) -> None:
    with transaction(held.sessions) as session:
        deliver_due(session)


def test_an_order_is_told_when_redeemed_refunded_and_reversed(
    held: Resources, client: FlaskClient, server: Receiver
) -> None:
    market, _, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        deaf = make_counter(session, market.small.district)
    _, secret = make_endpoint(held, market.counter.merchant.id, f"{server.url}/hooks")
    make_endpoint(held, deaf.merchant.id, f"{server.url}/of-another-merchant")
    make_endpoint(
        held, market.counter.merchant.id, f"{server.url}/refunds", topics=(EventType.REFUNDED,)
    )
    order = {"vouchers": [{"code": code.token}], "order_no": "A-1", "order_fen": 8_000}
    headers = market.counter.headers
    client.post("/api/v1/redemptions", json=order, headers=headers)
    drain(held.sessions)
    asked = client.get("/api/v1/redemptions/A-1", headers=headers).json
    client.post(
        "/api/v1/redemptions/A-1/refunds",
        json={"refund_no": "R-1", "goods_fen": 800},
        headers=headers,
    )
    drain(held.sessions)
    client.post("/api/v1/redemptions", json=order | {"order_no": "A-2"}, headers=headers)
    drain(held.sessions)
    events = [orjson.loads(one.body) for one in server.at("/hooks")]
    assert [event["type"] for event in events] == ["redemption.redeemed", "redemption.refunded"]
    told = events[0]["data"]
    assert asked is not None
    assert {key: told[key] for key in asked if key != "repeated"} == {
        key: value for key, value in asked.items() if key != "repeated"
    }
    assert (told["store"], told["till_id"]) == (
        market.counter.store.code,
        str(market.counter.till.id),
    )
    refund = events[1]["data"]
    assert (refund["refund_no"], refund["order_no"]) == ("R-1", "A-1")
    assert refund["customer_fen"] + refund["district_fen"] == refund["goods_fen"] == 800
    (one,) = server.at("/refunds")
    assert orjson.loads(one.body) == events[1]
    assert server.at("/of-another-merchant") == []
    for got in server.at("/hooks"):
        stamp = int(got.headers["webhook-timestamp"])
        assert abs(stamp - time.time()) < 60
        assert is_signed(
            [as_key(secret)],
            got.headers["webhook-id"],
            stamp,
            got.body,
            got.headers["webhook-signature"],
        )
    assert_invariants(held)


def test_a_reversed_order_is_told(held: Resources, client: FlaskClient, server: Receiver) -> None:
    market, _, code = market_with_voucher(held)
    make_endpoint(held, market.counter.merchant.id, f"{server.url}/hooks")
    order = {"vouchers": [{"code": code.token}], "order_no": "A-1", "order_fen": 8_000}
    client.post("/api/v1/redemptions", json=order, headers=market.counter.headers)
    client.post("/api/v1/redemptions/A-1/reversal", headers=market.counter.headers)
    drain(held.sessions)
    told = {
        event["type"]: event["data"] for event in map(orjson.loads, (o.body for o in server.got))
    }
    assert told["redemption.reversed"]["state"] == "reversed"
    assert told["redemption.reversed"]["reversed_at"] is not None
    assert_invariants(held)


def test_what_is_undone_is_not_told(held: Resources, shop: Counter, server: Receiver) -> None:
    make_endpoint(held, shop.merchant.id, f"{server.url}/hooks")
    session = held.sessions()
    send_test(session, shop.merchant.id, session.scalars(select(WebhookEndpoint.id)).one())
    session.rollback()
    session.close()
    drain(held.sessions)
    assert server.got == []


def test_a_failed_delivery_is_tried_again_later_and_later_then_given_up(
    held: Resources, shop: Counter, server: Receiver
) -> None:
    make_endpoint(held, shop.merchant.id, f"{server.url}/hooks")
    server.answers["/hooks"] = 500
    make_event(held, shop.merchant.id)
    for attempt, pause in enumerate(BACK_OFF, start=1):
        run(held)
        run(held)  # nothing is due yet
        assert len(server.got) == attempt
        with transaction(held.sessions) as session:
            delivery, now = only_delivery(session), db_now(session)
            assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, attempt)
            assert (delivery.last_status, delivery.last_error) == (500, None)
            assert delivery.next_at is not None
            assert abs(delivery.next_at - now - pause) < timedelta(seconds=5)
            endpoint = session.scalars(select(WebhookEndpoint)).one()
            assert endpoint.resume_at is not None
            assert endpoint.resume_at - now <= REST_MAX
            assert endpoint.failing_since is None
        later(held, pause)
    run(held)
    with transaction(held.sessions) as session:
        delivery = only_delivery(session)
        assert (delivery.state, delivery.next_at) == (DeliveryState.GIVEN_UP, None)
        assert session.scalars(select(WebhookEndpoint.failing_since)).one() is not None
    assert len({one.headers["webhook-id"] for one in server.got}) == 1
    assert len({one.body for one in server.got}) == 1
    # Once the endpoint is back, sending again by hand clears its name.
    server.answers.clear()
    with transaction(held.sessions) as session:
        send_again(session, shop.merchant.id, delivery.endpoint_id, delivery.id)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        assert only_delivery(session).state == DeliveryState.DELIVERED
        endpoint = session.scalars(select(WebhookEndpoint)).one()
        assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_an_endpoint_that_is_gone_hears_nothing_more(
    held: Resources, shop: Counter, server: Receiver
) -> None:
    endpoint_id, _ = make_endpoint(held, shop.merchant.id, f"{server.url}/hooks")
    server.answers["/hooks"] = 410
    make_event(held, shop.merchant.id)
    make_event(held, shop.merchant.id)
    drain(held.sessions)
    make_event(held, shop.merchant.id)
    later(held, timedelta(days=2))
    drain(held.sessions)
    assert len(server.got) == 1
    with transaction(held.sessions) as session:
        assert session.scalars(select(WebhookEndpoint.is_active)).one() is False
        with pytest.raises(WebhookEndpointStoppedError):
            send_test(session, shop.merchant.id, endpoint_id)


def test_a_slow_endpoint_keeps_nobody_waiting(
    held: Resources, shop: Counter, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("merchants.webhooks.deliver.TIMEOUT_S", 0.5)
    server.waits_s["/slow"] = 0.8
    make_endpoint(held, shop.merchant.id, f"{server.url}/slow")
    make_endpoint(held, shop.merchant.id, f"{server.url}/quick")
    for number in range(20):
        make_event(held, shop.merchant.id, number=number)
    began = time.monotonic()
    run(held)
    assert time.monotonic() - began < 5
    assert len(server.at("/quick")) == 20
    # One time-out, and it is left alone for a while.
    assert len(server.at("/slow")) == 1
    with transaction(held.sessions) as session:
        errors = session.scalars(
            select(WebhookDelivery.last_error).where(WebhookDelivery.last_error.is_not(None))
        ).all()
    assert errors == ["timeout"]


def test_what_a_killed_worker_had_taken_is_sent_by_another(
    held: Resources, shop: Counter, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_endpoint(held, shop.merchant.id, f"{server.url}/hooks")
    make_event(held, shop.merchant.id)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("merchants.webhooks.deliver._note_success", die)
        with pytest.raises(KeyboardInterrupt):
            run(held)
    run(held)  # taken still
    assert len(server.got) == 1
    later(held, timedelta(minutes=1))
    run(held)
    with transaction(held.sessions) as session:
        assert only_delivery(session).state == DeliveryState.DELIVERED
    first, second = server.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_both_secrets_sign_until_the_former_one_ends(
    held: Resources, shop: Counter, server: Receiver
) -> None:
    endpoint_id, old = make_endpoint(held, shop.merchant.id, f"{server.url}/hooks")
    with transaction(held.sessions) as session:
        new = rotate_secret(session, held.vault, shop.merchant.id, endpoint_id, now=db_now(session))
    assert new != old
    make_event(held, shop.merchant.id)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        until = WebhookEndpoint.previous_secret_until
        session.execute(update(WebhookEndpoint).values(previous_secret_until=until - GRACE))
    make_event(held, shop.merchant.id)
    drain(held.sessions)

    def good(index: int, secret: str) -> bool:
        got = server.got[index]
        return is_signed(
            [as_key(secret)],
            got.headers["webhook-id"],
            int(got.headers["webhook-timestamp"]),
            got.body,
            got.headers["webhook-signature"],
        )

    assert [good(0, old), good(0, new), good(1, old), good(1, new)] == [True, True, False, True]


def test_a_merchant_reaches_its_own_endpoints_only(
    held: Resources, shop: Counter, server: Receiver
) -> None:
    endpoint_id, _ = make_endpoint(held, shop.merchant.id, f"{server.url}/hooks")
    make_event(held, shop.merchant.id)
    with transaction(held.sessions) as session:
        other = make_counter(session, make_season(session).district).merchant.id
    with transaction(held.sessions) as session:
        delivery_id = only_delivery(session).id
        with pytest.raises(WebhookEndpointNotFoundError):
            rotate_secret(session, held.vault, other, endpoint_id, now=db_now(session))
        with pytest.raises(WebhookEndpointNotFoundError):
            send_test(session, other, endpoint_id)
        with pytest.raises(WebhookEndpointNotFoundError):
            send_again(session, other, endpoint_id, delivery_id)
        with pytest.raises(WebhookEndpointNotFoundError):
            remove_endpoint(session, other, endpoint_id)
        with pytest.raises(WebhookEndpointNotFoundError):
            change(session, other, endpoint_id, server.url)
        with pytest.raises(WebhookDeliveryNotFoundError):
            send_again(session, shop.merchant.id, endpoint_id, endpoint_id)


def change(session: Session, merchant_id: UUID, endpoint_id: UUID, url: str) -> None:
    change_endpoint(
        session, merchant_id, endpoint_id, url, TOPICS, is_active=False, allow_private=True
    )


def test_an_endpoint_is_stopped_before_it_is_removed_with_its_log(
    held: Resources, shop: Counter, server: Receiver
) -> None:
    endpoint_id, _ = make_endpoint(held, shop.merchant.id, f"{server.url}/hooks")
    make_event(held, shop.merchant.id)
    with transaction(held.sessions) as session:
        with pytest.raises(WebhookEndpointActiveError):
            remove_endpoint(session, shop.merchant.id, endpoint_id)
        change(session, shop.merchant.id, endpoint_id, server.url)
        remove_endpoint(session, shop.merchant.id, endpoint_id)
    drain(held.sessions)
    assert server.got == []
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(WebhookDelivery.id))).scalar_one() == 0


def test_a_merchant_has_few_endpoints_and_only_public_ones(held: Resources, shop: Counter) -> None:
    for number in range(ENDPOINTS_MAX):
        make_endpoint(held, shop.merchant.id, f"https://pos.example.com/{number}")
    with pytest.raises(TooManyWebhookEndpointsError):
        make_endpoint(held, shop.merchant.id, "https://pos.example.com/more")
    with transaction(held.sessions) as session, pytest.raises(WebhookAddressError):
        add_endpoint(
            session,
            held.vault,
            shop.merchant.id,
            "https://169.254.169.254/latest",
            TOPICS,
            allow_private=False,
        )


def test_old_deliveries_are_forgotten(held: Resources, shop: Counter) -> None:
    make_endpoint(held, shop.merchant.id, "https://pos.example.com/")
    make_event(held, shop.merchant.id, number=1)
    with transaction(held.sessions) as session:
        old = WebhookDelivery.created_at - DELIVERIES_KEPT - timedelta(minutes=1)
        session.execute(update(WebhookDelivery).values(created_at=old))
    make_event(held, shop.merchant.id, number=2)
    with transaction(held.sessions) as session:
        forget_deliveries(session)
        assert orjson.loads(only_delivery(session).body)["data"] == {"number": 2}
