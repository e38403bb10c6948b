"""Merchants, their stores and tills, and where they are paid."""

from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import unusable_at
from coupon_service.core.auth import Kind
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from merchants import auth
from merchants.errors import CodeTakenError, TillNotFoundError
from merchants.models import Merchant, PayoutAccount, Store, Till
from merchants.onboard import create_merchant, replace_till_key, set_till_active
from merchants.payout_account import (
    COOL_OFF,
    BankAccount,
    clear_number,
    effective_accounts,
    set_payout_account,
)
from merchants.queries import place_of, stores_for, till_with_store
from merchants.suspend import reinstate, suspend
from merchants.till_key import till_of
from tests.factories.campaigns import SmallSeason, make_campaign, make_season
from tests.factories.redemption import Counter, make_counter


@pytest.fixture
def small(held: Resources) -> SmallSeason:
    with transaction(held.sessions) as session:
        return make_season(session)


@pytest.fixture
def counter(held: Resources, small: SmallSeason) -> Counter:
    with transaction(held.sessions) as session:
        return make_counter(session, small.district)


def test_a_till_proves_itself_by_its_key(counter: Counter, small: SmallSeason) -> None:
    found = auth.till_principal(counter.key)
    assert found is not None
    assert (found.kind, found.id) == (Kind.TILL, counter.till.id)
    assert (found.merchant_id, found.district_id) == (counter.merchant.id, small.district.id)
    assert till_of(counter.key) == counter.till.id


def test_only_a_hash_of_the_key_is_kept(held: Resources, counter: Counter) -> None:
    secret = counter.key.partition(".")[2]
    assert len(secret) == 43
    with transaction(held.sessions) as session:
        kept = session.get_one(Till, counter.till.id).key_hash
    assert len(kept) == 32
    assert secret.encode() not in kept


def test_an_altered_borrowed_or_malformed_key_is_nobodys(
    held: Resources, small: SmallSeason, counter: Counter
) -> None:
    with transaction(held.sessions) as session:
        other = make_counter(session, small.district)
    prefix, _, secret = counter.key.partition(".")
    flipped = secret[:-2] + ("A" if secret[-2] != "A" else "B") + secret[-1]
    for key in (
        f"{prefix}.{flipped}",
        f"{prefix}.{other.key.partition('.')[2]}",
        f"till_{uuid4().hex}.{secret}",
        f"{prefix.upper()}.{secret}",
        counter.key + "\n",
        counter.key[:-1],
        f"{prefix}.",
        "till_",
        "",
        "till_" + "0" * 100_000,
    ):
        assert auth.till_principal(key) is None
        assert auth.till_principal(counter.key) is not None


def test_a_stopped_till_is_refused(held: Resources, counter: Counter) -> None:
    with transaction(held.sessions) as session:
        set_till_active(session, counter.till.id, is_active=False)
    assert auth.till_principal(counter.key) is None
    with transaction(held.sessions) as session:
        set_till_active(session, counter.till.id, is_active=True)
    assert auth.till_principal(counter.key) is not None


def test_a_till_that_is_known_is_stopped_within_seconds(
    held: Resources, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert auth.till_principal(counter.key) is not None
    with transaction(held.sessions) as session:
        set_till_active(session, counter.till.id, is_active=False)
    later = monotonic() + auth.CACHE_S + 0.1
    monkeypatch.setattr(auth, "monotonic", lambda: later)
    assert auth.till_principal(counter.key) is None


def test_a_replaced_key_works_and_the_old_one_dies(held: Resources, counter: Counter) -> None:
    with transaction(held.sessions) as session:
        key = replace_till_key(session, counter.till.id)
    assert auth.till_principal(counter.key) is None
    assert auth.till_principal(key) is not None
    with transaction(held.sessions) as session, pytest.raises(TillNotFoundError):
        replace_till_key(session, uuid4())


def test_a_till_comes_with_its_store_and_merchant(held: Resources, counter: Counter) -> None:
    with transaction(held.sessions) as session:
        till = till_with_store(session, counter.till.id)
    assert (till.store.id, till.store.merchant.id) == (counter.store.id, counter.merchant.id)


def test_a_code_is_given_once(held: Resources, small: SmallSeason) -> None:
    with transaction(held.sessions) as session:
        create_merchant(session, district_id=small.district.id, code="m-1", name="甲")
        with pytest.raises(CodeTakenError):
            create_merchant(session, district_id=small.district.id, code="m-1", name="乙")


def test_the_first_account_counts_at_once_and_a_changed_one_cools_off(
    held: Resources, counter: Counter
) -> None:
    merchant_id = counter.merchant.id
    with transaction(held.sessions) as session:
        now = db_now(session)
        for number in ("62999900000001", "62999900000002"):
            set_payout_account(
                session, held.vault, merchant_id, BankAccount("户名", "示例银行", number), now=now
            )
        old = effective_accounts(session, [merchant_id], now=now + COOL_OFF / 2)
        new = effective_accounts(session, [merchant_id], now=now + COOL_OFF)
        assert clear_number(held.vault, old[merchant_id]) == "62999900000001"
        assert clear_number(held.vault, new[merchant_id]) == "62999900000002"
        assert effective_accounts(session, [merchant_id], now=now - timedelta(seconds=1)) == {}


def test_an_account_number_is_sealed_and_must_be_digits(held: Resources, counter: Counter) -> None:
    with transaction(held.sessions) as session:
        now = db_now(session)
        for number in ("1234567", "1" * 31, "６２２２００００", "6222 0000 1111", "=1+1+1+1"):
            with pytest.raises(ValueError, match="8 to 30 digits"):
                set_payout_account(
                    session,
                    held.vault,
                    counter.merchant.id,
                    BankAccount("户名", "银行", number),
                    now=now,
                )
        assert session.scalars(select(PayoutAccount)).all() == []
        account = BankAccount("户名", "银行", "6222000011112222")
        row = set_payout_account(session, held.vault, counter.merchant.id, account, now=now)
        assert b"6222" not in row.number_sealed
        assert row.number_last4 == "2222"


def test_stores_are_listed_to_anybody_a_page_at_a_time(
    held: Resources, client: FlaskClient, small: SmallSeason
) -> None:
    with transaction(held.sessions) as session:
        stores = {str(make_counter(session, small.district).store.id) for _ in range(5)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/api/v1/stores?limit=2{cursor}").json
        assert page is not None
        assert len(page["stores"]) <= 2
        seen += [store["store_id"] for store in page["stores"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(stores)
    assert set(seen) == stores


def test_stores_are_found_by_zone_category_and_tag(
    held: Resources, client: FlaskClient, small: SmallSeason
) -> None:
    with transaction(held.sessions) as session:
        make_counter(session, small.district)
        wanted = make_counter(
            session, small.district, zone="西单", category="书店", tags=("老字号", "夜间")
        )
    for query in (
        {"zone": "西单"},
        {"category": "书店"},
        {"tag": "夜间"},
        {"zone": "西单", "category": "书店", "tag": "老字号"},
    ):
        found = client.get("/api/v1/stores", query_string=query).json
        assert found is not None
        assert [store["store_id"] for store in found["stores"]] == [str(wanted.store.id)]
    nothing = client.get("/api/v1/stores", query_string={"zone": "西单", "tag": "首店"}).json
    assert nothing == {"stores": [], "next_cursor": None}


def test_a_suspended_merchants_stores_are_not_shown(
    held: Resources, client: FlaskClient, counter: Counter
) -> None:
    with transaction(held.sessions) as session:
        suspend(session, counter.merchant.id)
    assert client.get("/api/v1/stores").json == {"stores": [], "next_cursor": None}
    with transaction(held.sessions) as session:
        reinstate(session, counter.merchant.id)
    assert len(client.get("/api/v1/stores").json["stores"]) == 1  # type: ignore[index]


def test_a_malformed_query_for_stores_is_refused(client: FlaskClient) -> None:
    for query in (
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=1",
        "zone=",
        "zone=%00",
        "zone=" + "x" * 41,
        "q=1",
    ):
        assert client.get(f"/api/v1/stores?{query}").status_code == 400, query


def test_the_list_of_stores_for_a_campaign_is_exactly_where_its_vouchers_work(
    held: Resources, small: SmallSeason
) -> None:
    with transaction(held.sessions) as session:
        first = make_counter(session, small.district, zone="甲", tags=("老字号",)).store
        make_counter(session, small.district, zone="乙", category="书店", tags=("夜间", "首店"))
        make_counter(session, small.district, zone="甲", channel=Channel.VIRTUAL)
        make_counter(session, make_season(session).district, zone="甲")
        scopes: list[dict[str, Any]] = [
            {},
            {"zones": ["甲"]},
            {"zones": ["甲", "乙"], "tags": ["首店", "老字号"]},
            {"categories": ["书店"]},
            {"store_ids": [str(first.id)]},
            {"store_ids": []},
            {"zones": ["甲"], "categories": ["书店"]},
        ]
        local = session.scalars(
            select(Store).join(Store.merchant).where(Merchant.district_id == small.district.id)
        ).all()
        for scope in scopes:
            for channels in (["onsite"], ["onsite", "virtual"]):
                campaign = make_campaign(session, small, scope=scope, redeem_channels=channels)
                listed = {store.id for store in stores_for(session, campaign)}
                works = {s.id for s in local if unusable_at(campaign, place_of(s)) is None}
                assert listed == works, scope
