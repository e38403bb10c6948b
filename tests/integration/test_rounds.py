"""Rounds that follow one another, drafts, recycling, and a season in which nobody redeems."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.draft import Draft, discard_draft, edit_draft, set_eligibility
from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.errors import (
    QuantityOutOfBoundsError,
    ReleaseStateError,
    TermsFixedError,
)
from coupon_service.campaigns.fund import budget
from coupon_service.campaigns.models import Campaign, Mode, Release, ReleaseState
from coupon_service.campaigns.plan_rounds import RoundsPlan, plan_rounds
from coupon_service.campaigns.recycle import breakage_of, recycle
from coupon_service.campaigns.release import close, publish
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import InvalidRequestError
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import Granted
from coupon_service.ledger.models import AccountKind
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.ledger.queries import balance_fen, season_totals_fen
from coupon_service.vouchers.lifecycle import expire_due
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import SEASON_FEN, make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.factories.waves import claim_now
from tests.invariants import assert_invariants

FRIDAY_TEN = datetime(2026, 11, 27, 10, tzinfo=LOCAL_ZONE)


def free_fen(session: Session, campaign: Campaign) -> int:
    return balance_fen(session, budget(campaign.season_id, campaign.node_id))


def test_weekly_rounds_open_at_the_same_local_hour_and_flow_into_one_another(
    held: Resources,
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        rounds = plan_rounds(
            session, campaign.id, RoundsPlan(FRIDAY_TEN, count=3, quantity=10, open_h=48)
        )
        assert [one.name for one in rounds] == ["第1轮", "第2轮", "第3轮"]
        assert [one.opens_at for one in rounds] == [
            FRIDAY_TEN + timedelta(weeks=week) for week in range(3)
        ]
        assert {one.closes_at - one.opens_at for one in rounds} == {timedelta(hours=48)}
        assert [one.flows_into_id for one in rounds] == [rounds[1].id, rounds[2].id, None]
        assert free_fen(session, campaign) == SEASON_FEN
    assert_invariants(held)


def test_what_a_round_leaves_goes_on_with_its_money_round_after_round(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        opens_at = db_now(session) - timedelta(minutes=1)
        plan = RoundsPlan(opens_at, count=3, quantity=10, step_days=1)
        first, second, third = plan_rounds(session, campaign.id, plan)
        for one in (first, second):
            publish(session, one.id, now=db_now(session))
        residents = [make_resident(session) for _ in range(4)]
    for resident_id in residents:
        with transaction(held.sessions) as session:
            assert isinstance(claim_now(session, first.id, resident_id), Granted)
    with transaction(held.sessions) as session:
        close(session, first.id, now=db_now(session))
        assert session.get_one(Release, second.id).quantity == 16
    assert_invariants(held)
    with transaction(held.sessions) as session:
        # A draft takes the seats on; their money waits at the node until it is published.
        close(session, second.id, now=db_now(session))
        assert session.get_one(Release, third.id).quantity == 26
        assert free_fen(session, campaign) == SEASON_FEN - 4 * campaign.face_fen
        publish(session, third.id, now=db_now(session))
        assert free_fen(session, campaign) == SEASON_FEN - 30 * campaign.face_fen
    assert_invariants(held)


def test_planning_the_same_again_changes_nothing(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        plan = RoundsPlan(FRIDAY_TEN, count=3, quantity=10, first_id=new_id())
        ids = [one.id for one in plan_rounds(session, campaign.id, plan)]
        assert [one.id for one in plan_rounds(session, campaign.id, plan)] == ids
        count = session.execute(select(func.count()).select_from(Release)).scalar_one()
        assert count == 3


def test_a_plan_that_cannot_be_leaves_no_round(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
    for count, open_h in ((0, 1), (61, 1), (2, 169)):
        plan = RoundsPlan(FRIDAY_TEN, count=count, quantity=1, open_h=open_h)
        with pytest.raises(InvalidRequestError), transaction(held.sessions) as session:
            plan_rounds(session, campaign.id, plan)
    with transaction(held.sessions) as session:
        assert session.scalars(select(Release.id)).all() == []


def test_a_discarded_draft_is_bridged_and_a_published_round_cannot_be_discarded(
    held: Resources,
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        plan = RoundsPlan(FRIDAY_TEN, count=3, quantity=10)
        first, second, third = plan_rounds(session, campaign.id, plan)
        discard_draft(session, second.id)
        publish(session, first.id, now=db_now(session))
    with transaction(held.sessions) as session:
        assert session.get_one(Release, first.id).flows_into_id == third.id
        with pytest.raises(ReleaseStateError):
            discard_draft(session, first.id)
    assert_invariants(held)


def test_a_draft_can_be_changed_and_what_is_published_cannot(held: Resources) -> None:
    draft = Draft("夜场", Mode.CODE, False, FRIDAY_TEN, FRIDAY_TEN + timedelta(hours=2))
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        (only,) = plan_rounds(session, campaign.id, RoundsPlan(FRIDAY_TEN, count=1, quantity=1))
        edit_draft(session, only.id, draft)
        set_eligibility(session, campaign.id, Eligibility(min_age=60))
        publish(session, only.id, now=db_now(session))
    with transaction(held.sessions) as session:
        release = session.get_one(Release, only.id)
        assert (release.name, release.mode) == ("夜场", Mode.CODE)
        assert session.get_one(Campaign, campaign.id).eligibility == {"min_age": 60}
        with pytest.raises(ReleaseStateError):
            edit_draft(session, only.id, draft)
        with pytest.raises(TermsFixedError):
            set_eligibility(session, campaign.id, Eligibility())
    assert_invariants(held)


def test_everything_claimed_and_nothing_redeemed_returns_the_budget_exactly(
    held: Resources,
) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        release_id = make_release(session, campaign, quantity=7).id
        residents = [make_resident(session) for _ in range(7)]
    for resident_id in residents:
        with transaction(held.sessions) as session:
            assert isinstance(claim_now(session, release_id, resident_id), Granted)
    with transaction(held.sessions) as session:
        assert free_fen(session, campaign) == SEASON_FEN - 7 * campaign.face_fen
        close(session, release_id, now=db_now(session))
        end = session.scalars(select(func.max(Voucher.expires_at))).one()
        assert expire_due(session, now=end) == 7
        assert expire_due(session, now=end) == 0
    with transaction(held.sessions) as session:
        assert free_fen(session, campaign) == SEASON_FEN
        totals = season_totals_fen(session, campaign.season_id)
        assert (totals[AccountKind.RESERVED], totals[AccountKind.BUDGET]) == (0, SEASON_FEN)
    assert_invariants(held)


def again(
    session: Session, campaign: Campaign, quantity: int | None, release_id: UUID | None = None
) -> Release:
    now = db_now(session)
    return recycle(
        session,
        campaign.id,
        quantity=quantity,
        opens_at=now,
        closes_at=now + timedelta(days=1),
        name="补投",
        now=now,
        release_id=release_id,
    )


def test_what_came_back_is_counted_and_can_be_released_again_once(held: Resources) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session, amount_fen=20_000)
        campaign = make_campaign(session, small)
        release_id = make_release(session, campaign, quantity=10).id
        resident_id = make_resident(session)
    with transaction(held.sessions) as session:
        assert isinstance(claim_now(session, release_id, resident_id), Granted)
    with transaction(held.sessions) as session:
        close(session, release_id, now=db_now(session))
        expire_due(session, now=datetime(2100, 1, 1, tzinfo=UTC))
        found = breakage_of(session, campaign)
        assert (found.expired, found.void, found.unclaimed) == (1, 0, 9)
        assert (found.free_fen, found.affordable, found.suggested) == (20_000, 10, 10)
    chosen = new_id()
    for _ in range(2):
        with transaction(held.sessions) as session:
            assert again(session, campaign, 4, chosen).quantity == 4
    with transaction(held.sessions) as session:
        rest = again(session, campaign, None)
        assert (rest.quantity, rest.state) == (6, ReleaseState.OPEN)
        assert free_fen(session, campaign) == 0
        with pytest.raises(QuantityOutOfBoundsError):
            again(session, campaign, None)
    with pytest.raises(InsufficientFundsError), transaction(held.sessions) as session:
        again(session, campaign, 1)
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count()).select_from(Release)).scalar_one() == 3
    assert_invariants(held)
