"""Several vouchers in one order, hours, excluded goods and slots, through the till's API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from admin.models import AuditEntry
from coupon_service.campaigns.models import Campaign, RefundPolicy, Stacking
from coupon_service.campaigns.release import publish
from coupon_service.campaigns.terms import Order
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import in_transaction, transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import VoucherState
from redemption.models import Redemption
from redemption.present import At, Showing
from redemption.redeem import RedeemCommand, Redeemed, Refused, redeem
from redemption.refund import RefundCommand, refund
from redemption.reverse import reverse
from redemption.slots.models import SlotCounter
from tests.factories.campaigns import draft_release, make_campaign, make_release, make_season
from tests.factories.officials import make_official, signed_in_as
from tests.factories.redemption import (
    Market,
    another_till,
    make_counter,
    make_market,
    make_voucher,
    redeemed,
    shown,
)
from tests.harness.web import at_once
from tests.integration.test_redeem_api import state_of, traces
from tests.invariants import assert_invariants

ALL_DAY = ["00:00", "00:00"]
TILLS = 16


def vouchers_of(held: Resources, *terms: dict[str, Any]) -> tuple[Market, list[UUID], list[str]]:
    """A market, and one voucher of a campaign with each of these terms: ids, and codes."""
    with transaction(held.sessions) as session:
        market = make_market(session, **terms[0])
        ids = [make_voucher(session, market.release)]
        for more in terms[1:]:
            campaign = make_campaign(session, market.small, **more)
            ids.append(make_voucher(session, make_release(session, campaign)))
        return market, ids, [shown(session, id_).typed_code for id_ in ids]


def ask(
    client: FlaskClient, path: str, market: Market, codes: Sequence[str], **body: Any
) -> tuple[int, dict[str, Any]]:
    order = {"vouchers": [{"code": code} for code in codes], **body}
    answer = client.post(f"/api/v1/{path}", json=order, headers=market.counter.headers)
    assert answer.json is not None
    return answer.status_code, answer.json


def quoted(answer: dict[str, Any]) -> list[int | str]:
    """What each voucher takes off, or the slug of why nothing."""
    return [one["unused_slug"] or one["discount_fen"] for one in answer["vouchers"]]


def local_hours(now: datetime, begins_in: timedelta, ends_in: timedelta) -> list[str]:
    return [f"{(now + delta).astimezone(LOCAL_ZONE):%H:%M}" for delta in (begins_in, ends_in)]


def taken(held: Resources) -> list[int]:
    with transaction(held.sessions) as session:
        return list(session.scalars(select(SlotCounter.taken)))


def try_to_redeem(
    held: Resources, voucher_id: UUID, till_id: UUID, order_no: str
) -> Redeemed | Refused:
    """In a transaction of its own, as another process would."""
    command = RedeemCommand(
        [Showing(voucher_id)], At(till_id), order_no, Order(8_000, 8_000), "onsite"
    )
    return in_transaction(
        held.sessions, lambda session: redeem(session, [command], risk=held.risk)
    )[0]


def test_three_vouchers_pay_one_order_as_quoted_whatever_the_order_of_showing(
    client: FlaskClient, held: Resources
) -> None:
    market, ids, codes = vouchers_of(
        held,
        {"stacking": Stacking.ANY},
        {"stacking": Stacking.WITH_OTHERS, "rate_bp": 1_000, "face_fen": 3_000},
        {"stacking": Stacking.WITH_OTHERS, "face_fen": 2_500},
    )
    _, quote = ask(client, "quotes", market, codes, order_fen=20_000)
    # The fixed ones first; then 10 % of the 155 that are left.
    assert quoted(quote) == [2_000, 1_550, 2_500]
    assert quote["customer_pays_fen"] == 13_950
    order = {"order_no": "A-1", "order_fen": 20_000}
    status, paid = ask(client, "redemptions", market, codes[::-1], **order)
    assert (status, paid["discount_fen"]) == (201, 6_050)
    assert [one["discount_fen"] for one in paid["vouchers"]] == [2_500, 1_550, 2_000]
    status, again = ask(client, "redemptions", market, codes, **order)
    assert (status, again["repeated"]) == (200, True)
    assert {state_of(held, id_) for id_ in ids} == {VoucherState.REDEEMED}
    assert_invariants(held)


def test_one_of_three_that_does_not_go_with_the_others_is_named_and_nothing_is_done(
    client: FlaskClient, held: Resources
) -> None:
    market, ids, codes = vouchers_of(
        held,
        {"stacking": Stacking.WITH_OTHERS},
        {"stacking": Stacking.ALONE, "name": "专享券"},
        {"stacking": Stacking.WITH_OTHERS},
    )
    _, quote = ask(client, "quotes", market, codes, order_fen=20_000)
    assert quoted(quote) == [2_000, "cannot-be-combined", 2_000]
    assert quote["vouchers"][1]["unused_facts"] == {"campaigns": ["满50减20"]}
    assert quote["discount_fen"] == 4_000
    before = traces(held)
    status, refusal = ask(client, "redemptions", market, codes, order_no="A-1", order_fen=20_000)
    assert (status, refusal["slug"], refusal["position"]) == (409, "cannot-be-combined", 2)
    assert refusal["campaigns"] == ["满50减20"]
    assert traces(held) == before
    assert {state_of(held, id_) for id_ in ids} == {VoucherState.ISSUED}
    # As the quote had it.
    two = [codes[0], codes[2]]
    assert ask(client, "redemptions", market, two, order_no="A-1", order_fen=20_000)[0] == 201
    assert_invariants(held)


def test_thresholds_add_up_and_the_refusal_says_to_what(
    client: FlaskClient, held: Resources
) -> None:
    both = {"stacking": Stacking.WITH_OTHERS}
    market, _, codes = vouchers_of(held, both, both)
    before = traces(held)
    order = {"order_no": "A-1", "order_fen": 10_500, "goods": {"tobacco": 600}}
    status, refusal = ask(client, "redemptions", market, codes, **order)
    assert (status, refusal["slug"]) == (409, "below-threshold-together")
    assert (refusal["threshold_fen"], refusal["counted_fen"]) == (10_000, 9_900)
    assert traces(held) == before
    order["goods"] = {"tobacco": 500}
    assert ask(client, "redemptions", market, codes, **order)[0] == 201
    assert_invariants(held)


def test_a_voucher_shown_twice_pays_once(client: FlaskClient, held: Resources) -> None:
    market, _, (code,) = vouchers_of(held, {"stacking": Stacking.ANY})
    _, quote = ask(client, "quotes", market, [code, code], order_fen=20_000)
    assert quoted(quote) == [2_000, "voucher-used"]
    order = {"order_no": "A-1", "order_fen": 20_000}
    status, refusal = ask(client, "redemptions", market, [code, code], **order)
    assert (status, refusal["slug"], refusal["position"]) == (409, "voucher-used", 2)
    assert_invariants(held)


def test_tobacco_and_what_the_campaign_excludes_is_paid_by_the_customer(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_ids, codes = vouchers_of(
        held, {"threshold_fen": 0, "excluded_goods": ["liquor"]}
    )
    before = traces(held)
    goods = {"tobacco": 3_000, "liquor": 4_000}
    order = {"order_no": "A-1", "order_fen": 7_000, "goods": goods}
    status, refusal = ask(client, "redemptions", market, codes, **order)
    assert (status, refusal["slug"]) == (409, "goods-excluded")
    assert traces(held) == before
    assert state_of(held, voucher_ids[0]) == VoucherState.ISSUED
    order["order_fen"] = 7_900
    status, paid = ask(client, "redemptions", market, codes, **order)
    assert (status, paid["discount_fen"], paid["customer_pays_fen"]) == (201, 900, 7_000)
    assert_invariants(held)


def test_outside_its_hours_a_voucher_is_refused_with_the_time_from_which_it_works(
    client: FlaskClient, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        now = db_now(session)
    later = local_hours(now, timedelta(hours=2), timedelta(hours=3))
    today = now.astimezone(LOCAL_ZONE).isoweekday()
    not_today = [day for day in range(1, 8) if day != today]
    market, ids, codes = vouchers_of(
        held, {"scope": {"hours": [later]}}, {"scope": {"weekdays": not_today}}
    )
    before = traces(held)
    refusals = [
        ask(client, "redemptions", market, [code], order_no="A-1", order_fen=8_000)[1]
        for code in codes
    ]
    assert [one["slug"] for one in refusals] == ["outside-hours", "wrong-weekday"]
    opens = datetime.fromisoformat(refusals[0]["usable_from"])
    assert timedelta(hours=1, minutes=59) <= opens - now <= timedelta(hours=2)
    tomorrow = datetime.fromisoformat(refusals[1]["usable_from"]).astimezone(LOCAL_ZONE)
    assert (tomorrow.hour, tomorrow.isoweekday()) == (0, today % 7 + 1)
    assert traces(held) == before
    assert {state_of(held, id_) for id_ in ids} == {VoucherState.ISSUED}
    assert_invariants(held)


def test_the_time_from_which_it_works_is_left_out_when_it_will_have_expired(
    client: FlaskClient, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        now = db_now(session)
        later = local_hours(now, timedelta(hours=2), timedelta(hours=3))
        market = make_market(session, scope={"hours": [later]})
        soon = now + timedelta(hours=1)
        code = shown(session, make_voucher(session, market.release, expires_at=soon)).typed_code
    _, quote = ask(client, "quotes", market, [code], order_fen=8_000)
    assert quoted(quote) == ["outside-hours"]
    assert quote["vouchers"][0]["unused_facts"] == {}


def test_sixteen_tills_and_five_places_five_vouchers_are_redeemed(held: Resources) -> None:
    slots = [{"hours": ALL_DAY, "capacity": 5}]
    with transaction(held.sessions) as session:
        market = make_market(session, slots=slots)
        tills = [another_till(session, market.counter).till.id for _ in range(TILLS)]
        ids = [make_voucher(session, market.release) for _ in range(TILLS)]
        elsewhere = make_counter(session, market.small.district).till.id
        one_more = make_voucher(session, market.release)
    outcomes = at_once(TILLS, lambda n: try_to_redeem(held, ids[n], tills[n], f"A-{n}"))
    refusals = [one.error for one in outcomes if isinstance(one, Refused)]
    assert {refusal.slug for refusal in refusals} == {"slot-full"}
    assert len(refusals) == TILLS - 5
    assert taken(held) == [5]
    # Another store has places of its own.
    assert isinstance(try_to_redeem(held, one_more, elsewhere, "B-1"), Redeemed)
    assert sorted(taken(held)) == [1, 5]
    assert_invariants(held)


def test_a_batch_and_one_order_of_two_vouchers_count_each_voucher_once(
    client: FlaskClient, held: Resources
) -> None:
    terms = {"stacking": Stacking.ANY, "slots": [{"hours": ALL_DAY, "capacity": 3}]}
    with transaction(held.sessions) as session:
        market = make_market(session, **terms)
        ids = [make_voucher(session, market.release) for _ in range(5)]
        codes = [shown(session, id_).typed_code for id_ in ids]
        commands = [
            RedeemCommand(
                [Showing(id_) for id_ in some],
                At(market.counter.till.id),
                f"A-{n}",
                Order(20_000, 20_000),
                "onsite",
            )
            for n, some in enumerate([ids[:2], ids[2:4], ids[4:]])
        ]
        outcomes = redeem(session, commands, risk=held.risk)
    first, second, third = outcomes
    assert isinstance(first, Redeemed)
    assert isinstance(third, Redeemed)
    assert isinstance(second, Refused)
    assert (second.error.slug, second.position) == ("slot-full", 2)
    assert taken(held) == [3]
    _, quote = ask(client, "quotes", market, codes[2:4], order_fen=20_000)
    assert quoted(quote) == ["slot-full", "slot-full"]
    usable_from = quote["vouchers"][0]["unused_facts"]["usable_from"]
    assert datetime.fromisoformat(usable_from).astimezone(LOCAL_ZONE).hour == 0
    assert_invariants(held)


def test_a_quote_takes_no_place(client: FlaskClient, held: Resources) -> None:
    market, _, codes = vouchers_of(held, {"slots": [{"hours": ALL_DAY, "capacity": 1}]})
    assert quoted(ask(client, "quotes", market, codes, order_fen=8_000)[1]) == [2_000]
    assert taken(held) == []
    order = {"order_no": "A-1", "order_fen": 8_000}
    assert ask(client, "redemptions", market, codes, **order)[0] == 201
    assert taken(held) == [1]


def test_outside_its_slots_nothing_is_counted(client: FlaskClient, held: Resources) -> None:
    with transaction(held.sessions) as session:
        now = db_now(session)
    later = local_hours(now, timedelta(hours=2), timedelta(hours=3))
    market, _, codes = vouchers_of(held, {"slots": [{"hours": later, "capacity": 1}]})
    assert ask(client, "redemptions", market, codes, order_no="A-1", order_fen=8_000)[0] == 201
    assert taken(held) == []
    assert_invariants(held)


@pytest.mark.parametrize("policy", [RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY, RefundPolicy.CONSUMED])
def test_a_reversal_gives_the_place_back_and_a_refund_does_not(
    held: Resources, policy: RefundPolicy
) -> None:
    with transaction(held.sessions) as session:
        slots = [{"hours": ALL_DAY, "capacity": 1}]
        market = make_market(session, slots=slots, refund_policy=policy)
        first, second, third = (make_voucher(session, market.release) for _ in range(3))
        at = At(market.counter.till.id)
        redeemed(session, first, at, order_no="A-1")
        with pytest.raises(ProblemError) as full:
            redeemed(session, second, at, order_no="A-2")
        assert full.value.slug == "slot-full"
    with transaction(held.sessions) as session:
        reverse(session, market.counter.till.id, "A-1", now=db_now(session))
    assert taken(held) == [0]
    with transaction(held.sessions) as session:
        redeemed(session, second, at, order_no="A-2")
    with transaction(held.sessions) as session:
        refund(session, RefundCommand(market.counter.till.id, "A-2", "R-1"), now=db_now(session))
    assert taken(held) == [1]
    with transaction(held.sessions) as session, pytest.raises(ProblemError) as full:
        redeemed(session, third, at, order_no=uuid4().hex)
    assert full.value.slug == "slot-full"
    assert_invariants(held)


def test_reversals_and_redemptions_of_one_slot_at_once_leave_the_counter_right(
    held: Resources,
) -> None:
    with transaction(held.sessions) as session:
        market = make_market(session, slots=[{"hours": ALL_DAY, "capacity": 8}])
        till_id = market.counter.till.id
        ids = [make_voucher(session, market.release) for _ in range(TILLS)]
        for n in range(8):
            redeemed(session, ids[n], At(till_id), order_no=f"A-{n}")

    def act(n: int) -> None:
        if n < 8:
            with transaction(held.sessions) as session:
                reverse(session, till_id, f"A-{n}", now=db_now(session))
        else:
            try_to_redeem(held, ids[n], till_id, f"A-{n}")

    at_once(TILLS, act)
    with transaction(held.sessions) as session:
        live = session.scalars(select(Redemption.id).where(Redemption.state == "redeemed")).all()
    assert taken(held) == [len(live)]
    assert_invariants(held)


def test_an_official_sets_the_conditions_until_a_release_is_published(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        campaign = make_campaign(session, small, scope={"zones": ["牛街"], "weekdays": [1]})
        release_id = draft_release(session, campaign).id
    official = signed_in_as(app, make_official(held, small.district.id))
    address = f"/api/v1/office/campaigns/{campaign.id}/conditions"
    conditions = {
        "weekdays": [6, 7],
        "hours": [["18:00", "02:00"]],
        "slots": [{"hours": ["18:00", "20:00"], "capacity": 30}],
        "excluded_goods": ["liquor"],
        "stacking": "any",
        "per_order_max": 2,
    }
    assert official.put(address, json=conditions).status_code == 204
    assert official.put(address, json=conditions | {"hours": [["18", "2"]]}).status_code == 400
    with transaction(held.sessions) as session:
        kept = session.get_one(Campaign, campaign.id)
        assert kept.scope == {
            "zones": ["牛街"],
            "weekdays": [6, 7],
            "hours": [["18:00", "02:00"]],
        }
        assert (kept.slots, kept.excluded_goods) == (conditions["slots"], ["liquor"])
        assert (kept.stacking, kept.per_order_max) == (Stacking.ANY, 2)
        actions = list(session.scalars(select(AuditEntry.action)))
        publish(session, release_id, now=db_now(session))
    assert actions == ["campaign.conditions"]
    refused = official.put(address, json={})
    assert (refused.status_code, refused.get_json()["slug"]) == (409, "terms-fixed")
    shown_to_office = official.get(f"/api/v1/office/releases/{release_id}").get_json()
    assert shown_to_office["conditions"]["weekdays"] == [6, 7]
    offered = app.test_client().get(f"/api/v1/releases/{release_id}").get_json()
    assert offered["hours"] == [["18:00", "02:00"]]
    assert offered["excluded_goods"] == ["liquor", "prepaid_card", "recharge", "tobacco"]
