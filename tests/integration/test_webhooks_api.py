"""A merchant's own software looks after its webhooks through the interface."""

import pytest
from flask.testing import FlaskClient

from coupon_service.core.auth import Kind, Principal
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from tests.factories.campaigns import make_season
from tests.factories.merchants import sign_in_as
from tests.factories.pos import make_event, receiver
from tests.factories.redemption import Counter, make_counter

WEBHOOKS = "/api/v1/webhooks"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhooks_private": True})


@pytest.fixture
def shop(held: Resources, client: FlaskClient) -> Counter:
    """A merchant whose person has signed in."""
    with transaction(held.sessions) as session:
        counter = make_counter(session, make_season(session).district)
    merchant = counter.merchant
    owner = Principal(Kind.MERCHANT_OWNER, new_id(), merchant.district_id, merchant.id)
    sign_in_as(client, held, owner)
    return counter


def test_an_endpoint_lives_from_its_secret_to_its_removal(
    held: Resources, client: FlaskClient, shop: Counter
) -> None:
    with receiver() as server:
        new = {"url": f"{server.url}/hooks", "topics": ["redemption.redeemed"]}
        made = client.post(WEBHOOKS, json=new)
        assert made.status_code == 201
        assert made.json["secret"].startswith("whsec_")
        one = f"{WEBHOOKS}/{made.json['endpoint_id']}"
        (listed,) = client.get(WEBHOOKS).json["endpoints"]
        assert (listed["url"], listed["topics"]) == (new["url"], new["topics"])
        assert "secret" not in listed
        rotated = client.post(f"{one}/secret")
        assert (rotated.status_code, rotated.json["secret"] == made.json["secret"]) == (201, False)
        assert client.post(f"{one}/test").status_code == 202
        drain(held.sessions)
        (sent,) = server.got
        assert len(sent.headers["webhook-signature"].split(" ")) == 2
        (delivery,) = client.get(f"{one}/deliveries").json["deliveries"]
        assert (delivery["state"], delivery["type"]) == ("delivered", "webhook.test")
        assert delivery["webhook_id"] == sent.headers["webhook-id"]
        again = client.post(f"{one}/deliveries/{delivery['delivery_id']}/again")
        assert again.status_code == 202
        drain(held.sessions)
        assert len(server.got) == 2
    assert client.delete(one).json["slug"] == "webhook-endpoint-active"
    assert client.put(one, json={**new, "is_active": False}).json["is_active"] is False
    assert client.post(f"{one}/test").json["slug"] == "webhook-endpoint-stopped"
    assert client.delete(one).status_code == 204
    assert client.get(WEBHOOKS).json == {"endpoints": []}


def test_the_log_comes_a_page_at_a_time_newest_first(
    held: Resources, client: FlaskClient, shop: Counter
) -> None:
    new = {"url": "https://pos.example.com/", "topics": ["redemption.redeemed"]}
    one = f"{WEBHOOKS}/{client.post(WEBHOOKS, json=new).json['endpoint_id']}"
    for number in range(5):
        make_event(held, shop.merchant.id, number=number)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit=2&cursor={cursor}" if cursor else "?limit=2"
        page = client.get(f"{one}/deliveries{query}").json
        seen += [delivery["delivery_id"] for delivery in page["deliveries"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_what_is_no_endpoint_is_not_taken(client: FlaskClient, shop: Counter) -> None:
    new = {"url": "https://pos.example.com/", "topics": ["redemption.redeemed"]}
    bad: list[dict[str, object]] = [
        {"url": "https://u:p@pos.example.com/"},
        {"url": "javascript:alert(1)"},
        {"url": ""},
        {"topics": []},
        {"topics": ["redemption.unheard-of"]},
        {"more": 1},
    ]
    for change in bad:
        assert client.post(WEBHOOKS, json=new | change).status_code == 400
    assert client.get(WEBHOOKS).json == {"endpoints": []}
