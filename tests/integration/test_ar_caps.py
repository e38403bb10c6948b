"""What bounds a provider: its caps, its own budget node, and the hours and days of its anchors."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, update

from coupon_service.campaigns.models import BudgetNode, NodeLevel
from coupon_service.core.clock import LOCAL_ZONE, db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.vouchers.models import Voucher
from redemption.ar.enlist import NewAnchor, add_anchor, give_node
from redemption.ar.errors import ArNodeTakenError, ArOutsideBudgetError, ArStoreNotVirtualError
from redemption.ar.models import ArAnchor, ArProvider, ArProviderDay
from tests.factories.ar import ORDER_FEN, Stage, make_provider, make_stage, whole_state
from tests.factories.campaigns import make_campaign, make_release
from tests.invariants import assert_invariants

PROOFS = 8


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    return make_stage(app, held, per_person=100)


def agree(held: Resources, **columns: Any) -> None:
    with transaction(held.sessions) as session:
        session.execute(update(ArProvider).values(**columns))


def assert_refused(held: Resources, stage: Stage, started: dict[str, Any], slug: str) -> None:
    delivery = stage.provider.prepare(stage.see(started))
    before = whole_state(held)
    for _ in range(2):
        answer = stage.provider.deliver(delivery)
        assert (answer.status_code, answer.json()["slug"]) == (409, slug)
    assert whole_state(held) == before
    assert stage.session(started)["refusal"] == slug
    assert_invariants(held)


def test_an_over_cap_event_is_refused_and_nothing_changes(stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    agree(held, award_fen_per_day_max=1_999)  # not even one
    assert_refused(held, stage, started, "ar-over-cap")
    agree(held, awards_per_day_max=2, award_fen_per_day_max=6_000)
    stage.win()
    stage.win()
    assert_refused(held, stage, started, "ar-over-cap")
    agree(held, awards_per_day_max=9, award_fen_per_day_max=5_999)
    assert_refused(held, stage, started, "ar-over-cap")
    agree(held, award_fen_per_day_max=6_000)
    assert stage.provider.report(stage.see(started)).status_code == 200
    assert stage.session(started)["refusal"] is None
    with transaction(held.sessions) as session:
        yesterday = local_date(db_now(session)) - timedelta(days=1)
        session.execute(update(ArProviderDay).values(day=yesterday))
    stage.win()  # another day has room again


def test_however_many_come_at_once_the_cap_holds_exactly(stage: Stage, held: Resources) -> None:
    agree(held, awards_per_day_max=3)
    sightings = [stage.see(stage.begin(stage.scene.award)) for _ in range(PROOFS)]
    with ThreadPoolExecutor(PROOFS) as threads:
        answers = list(threads.map(stage.provider.report, sightings))
    outcomes = Counter(answer.json().get("slug", "accepted") for answer in answers)
    assert outcomes == {"accepted": 3, "ar-over-cap": PROOFS - 3}
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count()).select_from(Voucher)).scalar_one() == 3
        day = session.scalars(select(ArProviderDay)).one()
    assert (day.award_count, day.award_fen, day.redeem_fen) == (3, 6_000, 0)
    assert_invariants(held)


def test_redemptions_are_capped_too_and_awards_at_their_cap_do_not_stop_them(
    stage: Stage, held: Resources
) -> None:
    vouchers = [stage.win(), stage.win()]
    agree(held, awards_per_day_max=1, redeem_fen_per_day_max=2_000)
    first, second = (stage.begin_order(voucher_id) for voucher_id in vouchers)
    assert stage.provider.report(stage.see(first, order_fen=ORDER_FEN)).status_code == 200
    before = whole_state(held)
    answer = stage.provider.report(stage.see(second, order_fen=ORDER_FEN))
    assert (answer.status_code, answer.json()["slug"]) == (409, "ar-over-cap")
    assert whole_state(held) == before
    assert_invariants(held)


def test_an_award_comes_out_of_the_providers_own_budget_or_is_refused(
    stage: Stage, held: Resources
) -> None:
    agree(held, node_id=None)
    assert_refused(held, stage, stage.begin(stage.scene.award), "ar-outside-budget")
    agree(held, node_id=stage.scene.small.series.id)  # above the release's own
    stage.win()
    assert_invariants(held)


def test_no_two_providers_share_a_budget(stage: Stage, held: Resources) -> None:
    small = stage.scene.small
    with transaction(held.sessions) as session:
        other, _ = make_provider(session, held.vault, small)
    for node in (small.event, small.series, small.board):
        with pytest.raises(ArNodeTakenError), transaction(held.sessions) as session:
            give_node(session, session.merge(other), node.id)
    with transaction(held.sessions) as session:
        sibling = BudgetNode(
            id=new_id(),
            season_id=small.season.id,
            parent_id=small.series.id,
            level=NodeLevel.EVENT,
            code="other",
            name="另一场",
        )
        session.add(sibling)
        session.flush()
        give_node(session, session.merge(other), sibling.id)
    assert_invariants(held)


def test_an_anchor_is_set_up_only_for_what_is_the_providers_own(
    stage: Stage, held: Resources
) -> None:
    place: dict[str, Any] = {"lat": 39.9, "lon": 116.4, "radius_m": 100, "confidence_min": 0.8}
    code = stage.scene.provider.code
    with transaction(held.sessions) as session:
        add_anchor(
            session, code, NewAnchor("own", "点", release_id=stage.scene.release.id, **place)
        )
        small = stage.scene.small
        elsewhere = BudgetNode(
            id=new_id(),
            season_id=small.season.id,
            parent_id=small.series.id,
            level=NodeLevel.EVENT,
            code="elsewhere",
            name="别处",
        )
        session.add(elsewhere)
        session.flush()
        campaign = make_campaign(session, small)
        release = make_release(session, campaign, quantity=1)
        campaign.node_id = elsewhere.id
    with pytest.raises(ArOutsideBudgetError), transaction(held.sessions) as session:
        add_anchor(session, code, NewAnchor("theirs", "点", release_id=release.id, **place))
    with pytest.raises(ArStoreNotVirtualError), transaction(held.sessions) as session:
        add_anchor(session, code, NewAnchor("no-store", "点", store_id=new_id(), **place))


def test_a_closed_anchor_refuses_to_begin_and_to_be_proven(stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    with transaction(held.sessions) as session:
        local = db_now(session).astimezone(LOCAL_ZONE)
        session.execute(
            update(ArAnchor).values(
                opens=_clock(local + timedelta(hours=1)), closes=_clock(local - timedelta(hours=1))
            )
        )
    assert_refused(held, stage, started, "ar-anchor-closed")
    before = whole_state(held)
    body = {"anchor_id": str(stage.scene.award.id)}
    answer = stage.browser.post("/api/v1/ar/sessions", json=body)
    assert (answer.status_code, answer.get_json()["slug"]) == (409, "ar-anchor-closed")
    assert whole_state(held) == before


def test_an_anchor_counts_on_its_days_only(stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    with transaction(held.sessions) as session:
        now = db_now(session)
    day = timedelta(days=1)
    to_come = {"starts_at": now + day, "ends_at": now + 2 * day}
    over = {"starts_at": now - 2 * day, "ends_at": now - day}
    for days, listed in ((to_come, 2), (over, 0)):
        with transaction(held.sessions) as session:
            session.execute(update(ArAnchor).values(**days))
        assert_refused(held, stage, started, "ar-anchor-closed")
        assert len(stage.browser.get("/api/v1/ar/anchors").get_json()["items"]) == listed


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M")
