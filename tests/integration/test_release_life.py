"""A release's life: resizing, pausing, and rounds that flow into the next one."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.errors import (
    QuantityChangedError,
    QuantityOutOfBoundsError,
    ReleaseStateError,
)
from coupon_service.campaigns.fund import budget, reserved
from coupon_service.campaigns.models import Campaign, Release, ReleaseState
from coupon_service.campaigns.release import Group, close, keep_for_groups, publish, resize
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import Granted
from coupon_service.issuance.errors import SoldOutError
from coupon_service.issuance.gate import gate
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.ledger.queries import balance_fen
from tests.factories.campaigns import draft_release, make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.integration.test_claim import claim_one, refusal
from tests.invariants import assert_invariants

FACE_FEN = 2_000


def money_fen(session: Session, campaign: Campaign, release_id: UUID) -> tuple[int, int]:
    """What the release has reserved, and what its budget node has."""
    return (
        balance_fen(session, reserved(campaign.season_id, release_id)),
        balance_fen(session, budget(campaign.season_id, campaign.node_id)),
    )


def test_more_coupons_reserve_their_money_and_fewer_return_it(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session, amount_fen=100 * FACE_FEN))
        release = make_release(session, campaign, quantity=10)
        resize(session, release.id, quantity=30, expected=10)
        assert money_fen(session, campaign, release.id) == (30 * FACE_FEN, 70 * FACE_FEN)
        resize(session, release.id, quantity=5, expected=30)
        assert money_fen(session, campaign, release.id) == (5 * FACE_FEN, 95 * FACE_FEN)
    assert_invariants(held)


def test_who_resizes_what_somebody_else_has_resized_is_told_so(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release = make_release(session, make_campaign(session, make_season(session)), quantity=10)
        resize(session, release.id, quantity=20, expected=10)
    with pytest.raises(QuantityChangedError) as refused, transaction(held.sessions) as session:
        resize(session, release.id, quantity=15, expected=10)
    assert refused.value.extra == {"quantity": 20}
    assert_invariants(held)


def test_a_release_never_has_fewer_coupons_than_are_taken_or_kept(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release = make_release(
            session,
            make_campaign(session, make_season(session)),
            quantity=10,
            groups=[Group("60 岁以上", Eligibility(min_age=60), 4)],
        )
        resident_id = make_resident(session)
    assert isinstance(claim_one(held, release.id, resident_id), Granted)
    with pytest.raises(QuantityOutOfBoundsError) as refused, transaction(held.sessions) as session:
        resize(session, release.id, quantity=4, expected=10)
    assert refused.value.extra["lowest"] == 5
    with transaction(held.sessions) as session:
        resize(session, release.id, quantity=5, expected=10)
    assert_invariants(held)


def test_more_coupons_than_there_is_money_for_are_refused(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session, amount_fen=10 * FACE_FEN))
        release = make_release(session, campaign, quantity=10)
    with pytest.raises(InsufficientFundsError), transaction(held.sessions) as session:
        resize(session, release.id, quantity=11, expected=10)
    with transaction(held.sessions) as session:
        assert session.get_one(Release, release.id).quantity == 10
    assert_invariants(held)


def test_new_coupons_can_be_claimed_as_soon_as_the_gate_has_heard(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release = make_release(session, make_campaign(session, make_season(session)), quantity=1)
        one, two = make_resident(session), make_resident(session)
    claim_one(held, release.id, one)
    with transaction(held.sessions) as session:
        resize(session, release.id, quantity=2, expected=1)
    drain(held.sessions)
    assert gate().left([release.id]) == {release.id: 1}
    assert isinstance(claim_one(held, release.id, two), Granted)
    assert_invariants(held)


def test_fewer_coupons_bind_even_a_gate_that_has_not_heard(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release = make_release(session, make_campaign(session, make_season(session)), quantity=2)
        one, two = make_resident(session), make_resident(session)
    claim_one(held, release.id, one)
    with transaction(held.sessions) as session:
        resize(session, release.id, quantity=1, expected=2)
    assert refusal(claim_one(held, release.id, two)) is SoldOutError
    assert_invariants(held)


@pytest.mark.parametrize("published", [True, False])
def test_what_a_round_leaves_flows_into_the_next_one(held: Resources, published: bool) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session, amount_fen=100 * FACE_FEN))
        make = make_release if published else draft_release
        later = make(session, campaign, quantity=10, opens_in=timedelta(days=7))
        release = make_release(session, campaign, quantity=10, flows_into_id=later.id)
        resident_id = make_resident(session)
    claim_one(held, release.id, resident_id)
    with transaction(held.sessions) as session:
        close(session, release.id, now=db_now(session))
    with transaction(held.sessions) as session:
        assert session.get_one(Release, later.id).quantity == 19
        if not published:
            publish(session, later.id, now=db_now(session))
        assert money_fen(session, campaign, later.id) == (19 * FACE_FEN, 80 * FACE_FEN)
        assert money_fen(session, campaign, release.id)[0] == FACE_FEN
    assert_invariants(held)


def test_a_round_after_which_there_is_nothing_returns_its_money(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session, amount_fen=100 * FACE_FEN))
        later = make_release(session, campaign, quantity=10)
        release = make_release(session, campaign, quantity=10, flows_into_id=later.id)
        close(session, later.id, now=db_now(session))
        close(session, release.id, now=db_now(session))
        assert money_fen(session, campaign, release.id) == (0, 100 * FACE_FEN)
        assert session.get_one(Release, later.id).quantity == 10
    assert_invariants(held)


def test_groups_are_chosen_while_a_release_is_a_draft(held: Resources) -> None:
    old = Group("60 岁以上", Eligibility(min_age=60), 3)
    with transaction(held.sessions) as session:
        release = draft_release(session, make_campaign(session, make_season(session)), quantity=5)
        keep_for_groups(session, release.id, [old])
    with pytest.raises(QuantityOutOfBoundsError), transaction(held.sessions) as session:
        keep_for_groups(session, release.id, [old, old])
    with transaction(held.sessions) as session:
        publish(session, release.id, now=db_now(session))
    with pytest.raises(ReleaseStateError), transaction(held.sessions) as session:
        keep_for_groups(session, release.id, [old])
    with transaction(held.sessions) as session:
        assert session.get_one(Release, release.id).state == ReleaseState.OPEN
    assert_invariants(held)
