"""Claims through the use case, against a real PostgreSQL and a real Valkey."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import (
    NotOpenYetError,
    ReleaseNotFoundError,
    ReleasePausedError,
)
from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.release import close, pause
from coupon_service.core.clock import db_now, local_date, local_day_start
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import ClaimCommand, Granted, Outcome, Refused, claim
from coupon_service.issuance.errors import ChannelClosedError, LimitReachedError, SoldOutError
from coupon_service.issuance.gate import gate
from coupon_service.vouchers.lifecycle import expire_due, void
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import make_campaign, make_release, make_season, open_release
from tests.factories.people import make_resident
from tests.invariants import assert_invariants


def claim_one(held: Resources, release_id: UUID, resident_id: UUID, *, ordinal: int = 1) -> Outcome:
    with transaction(held.sessions) as session:
        command = ClaimCommand(release_id, resident_id, Channel.ONLINE, ordinal=ordinal)
        (outcome,) = claim(session, gate(), [command])
        return outcome


def refusal(outcome: Outcome) -> type[Exception]:
    assert isinstance(outcome, Refused)
    return type(outcome.error)


def voucher_count(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(Voucher)).scalar_one()


def test_a_claim_stores_one_voucher_and_a_repeat_returns_it(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session)
        resident_id = make_resident(session)
    first = claim_one(held, release_id, resident_id)
    again = claim_one(held, release_id, resident_id)
    assert isinstance(first, Granted)
    assert not first.repeated
    assert isinstance(again, Granted)
    assert again.repeated
    assert again.voucher == first.voucher
    assert voucher_count(held) == 1
    assert_invariants(held)


def test_the_seats_of_a_release_are_its_quantity_and_no_more(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=3)
        residents = [make_resident(session) for _ in range(4)]
    outcomes = [claim_one(held, release_id, resident_id) for resident_id in residents]
    seats = [outcome.voucher.seat for outcome in outcomes if isinstance(outcome, Granted)]
    assert seats == [1, 2, 3]
    assert refusal(outcomes[3]) is SoldOutError
    assert_invariants(held)


def test_one_bad_claim_does_not_touch_its_neighbours(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session)
        one, two = make_resident(session), make_resident(session)
    with transaction(held.sessions) as session:
        outcomes = claim(
            session,
            gate(),
            [
                ClaimCommand(release_id, one, Channel.ONLINE),
                ClaimCommand(new_id(), one, Channel.ONLINE),
                ClaimCommand(release_id, one, Channel.ONLINE, ordinal=2),
                ClaimCommand(release_id, one, Channel.ONLINE),
                ClaimCommand(release_id, two, Channel.ONLINE),
            ],
        )
    assert isinstance(outcomes[0], Granted)
    assert not outcomes[0].repeated
    assert refusal(outcomes[1]) is ReleaseNotFoundError
    assert refusal(outcomes[2]) is LimitReachedError
    assert isinstance(outcomes[3], Granted)
    assert outcomes[3].repeated
    assert isinstance(outcomes[4], Granted)
    assert outcomes[4].voucher.seat == 2
    assert_invariants(held)


def test_a_person_may_take_as_many_as_the_campaign_allows(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, per_person=2)
        resident_id = make_resident(session)
    assert isinstance(claim_one(held, release_id, resident_id, ordinal=1), Granted)
    assert isinstance(claim_one(held, release_id, resident_id, ordinal=2), Granted)
    assert refusal(claim_one(held, release_id, resident_id, ordinal=3)) is LimitReachedError
    assert voucher_count(held) == 2
    assert_invariants(held)


@pytest.mark.parametrize("redis_is_up", [True, False])
def test_a_release_that_is_not_open_gives_nothing(held: Resources, redis_is_up: bool) -> None:
    with transaction(held.sessions) as session:
        small = make_season(session)
        early = make_release(session, make_campaign(session, small), opens_in=timedelta(hours=1)).id
        paused = make_release(session, make_campaign(session, small)).id
        pause(session, paused)
        elsewhere = make_campaign(session, small, claim_channels=["ar"])
        other_channel = make_release(session, elsewhere).id
        resident_id = make_resident(session)
    if not redis_is_up:
        held.hints.connection_pool.connection_kwargs["path"] = "/nonexistent"
        held.hints.connection_pool.disconnect()
    assert refusal(claim_one(held, early, resident_id)) is NotOpenYetError
    assert refusal(claim_one(held, paused, resident_id)) is ReleasePausedError
    assert refusal(claim_one(held, other_channel, resident_id)) is ChannelClosedError
    assert voucher_count(held) == 0
    assert_invariants(held)


def test_without_redis_claims_are_exact_all_the_same(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=3)
        residents = [make_resident(session) for _ in range(5)]
    held.hints.connection_pool.connection_kwargs["path"] = "/nonexistent"
    held.hints.connection_pool.disconnect()
    outcomes = [claim_one(held, release_id, resident_id) for resident_id in residents]
    assert [isinstance(outcome, Granted) for outcome in outcomes] == [True] * 3 + [False] * 2
    assert refusal(outcomes[4]) is SoldOutError
    repeat = claim_one(held, release_id, residents[0])
    assert isinstance(repeat, Granted)
    assert repeat.repeated
    assert_invariants(held)


def test_a_gate_behind_the_database_costs_a_second_try_and_no_voucher(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=10)
        residents = [make_resident(session) for _ in range(10)]
    for resident_id in residents[:5]:
        claim_one(held, release_id, resident_id)
    # An old copy of the gate, as after a fail-over to a replica that lagged.
    held.hints.set(f"gate:{{{release_id.hex}}}:next", 2)
    held.hints.delete(f"gate:{{{release_id.hex}}}:mine")
    outcomes = [claim_one(held, release_id, resident_id) for resident_id in residents]
    assert all(isinstance(outcome, Granted) for outcome in outcomes)
    assert voucher_count(held) == 10
    assert_invariants(held)


def test_a_seat_whose_claim_was_undone_goes_to_somebody_else(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=1)
        one, two = make_resident(session), make_resident(session)

    class UndoneError(Exception):
        pass

    def claim_and_fail() -> None:
        with transaction(held.sessions) as session:
            claim(session, gate(), [ClaimCommand(release_id, one, Channel.ONLINE)])
            raise UndoneError

    with pytest.raises(UndoneError):
        claim_and_fail()
    assert voucher_count(held) == 0
    assert isinstance(claim_one(held, release_id, two), Granted)
    assert_invariants(held)


def test_a_validity_in_days_ends_with_the_last_local_day(session: Session, held: Resources) -> None:
    release_id = open_release(session, valid_days=2)
    resident_id = make_resident(session)
    session.commit()
    claimed = claim_one(held, release_id, resident_id)
    assert isinstance(claimed, Granted)
    day_after_the_last = local_date(db_now(session)) + timedelta(days=2)
    assert claimed.voucher.facts.expires_at == local_day_start(day_after_the_last)


def test_closing_returns_the_money_of_seats_nobody_took(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=10)
        resident_id = make_resident(session)
    claim_one(held, release_id, resident_id)
    with transaction(held.sessions) as session:
        close(session, release_id, now=db_now(session))
    assert_invariants(held)


def test_void_and_expired_vouchers_return_their_face(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=10)
        residents = [make_resident(session) for _ in range(3)]
    vouchers = [claim_one(held, release_id, resident_id) for resident_id in residents]
    assert isinstance(vouchers[0], Granted)
    with transaction(held.sessions) as session:
        void(session, vouchers[0].voucher.voucher_id)
        assert expire_due(session, now=db_now(session) + timedelta(days=60)) == 2
    assert_invariants(held)
