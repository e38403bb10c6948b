"""Who gets a voucher out of which seats: conditions, groups, devices and networks."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import pytest

from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.models import Channel, Mode
from coupon_service.campaigns.release import Group
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import ClaimCommand, Granted, Outcome, claim
from coupon_service.issuance.errors import (
    ClaimedBeforeError,
    DeviceLimitError,
    GuardianNeededError,
    HoldsAnotherError,
    ModeMismatchError,
    NetworkLimitError,
    OtherAreaError,
    SoldOutError,
    TooYoungError,
)
from coupon_service.issuance.gate import Gate, Quotas, gate
from coupon_service.vouchers.lifecycle import void
from tests.factories.campaigns import make_campaign, make_release, make_season, open_release
from tests.factories.people import make_resident
from tests.integration.test_claim import claim_one, refusal, voucher_count
from tests.invariants import assert_invariants

OLD = date(1950, 3, 1)
CHILD = date(2016, 9, 1)
FROM_SIXTY = Eligibility(min_age=60)


def claim_all(
    held: Resources, commands: Sequence[ClaimCommand], *, past_gate: bool = False
) -> list[Outcome]:
    with transaction(held.sessions) as session:
        return claim(session, gate(), commands, past_gate=past_gate)


def seats(outcomes: Sequence[Outcome]) -> list[int | None]:
    return [one.voucher.seat if isinstance(one, Granted) else None for one in outcomes]


def online(release_id: UUID, resident_id: UUID, **more: object) -> ClaimCommand:
    return ClaimCommand(release_id, resident_id, Channel.ONLINE, **more)  # type: ignore[arg-type]


def test_a_condition_refuses_those_who_do_not_meet_it_and_nobody_else(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, eligibility={"min_age": 60, "areas": ["1101"]})
        young = make_resident(session)
        stranger = make_resident(session, born_on=OLD, area_code="310101")
        old = make_resident(session, born_on=OLD)
    outcomes = claim_all(held, [online(release_id, one) for one in (young, stranger, old)])
    assert [refusal(one) for one in outcomes[:2]] == [TooYoungError, OtherAreaError]
    assert seats(outcomes) == [None, None, 1]
    assert voucher_count(held) == 1
    assert_invariants(held)


def test_a_child_gets_a_voucher_when_a_guardian_acts(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, eligibility={"min_age": 0})
        child, guardian = make_resident(session, born_on=CHILD), make_resident(session)
    assert refusal(claim_one(held, release_id, child)) is GuardianNeededError
    (outcome,) = claim_all(held, [online(release_id, child, claimed_by_id=guardian)])
    assert isinstance(outcome, Granted)
    assert_invariants(held)


def test_first_time_and_no_other_look_at_the_whole_season(held: Resources) -> None:
    with transaction(held.sessions) as session:
        season = make_season(session)
        plain = make_release(session, make_campaign(session, season)).id
        first = make_release(
            session, make_campaign(session, season, eligibility={"first_time": True})
        ).id
        only = make_release(
            session, make_campaign(session, season, eligibility={"holds_no_other": True})
        ).id
        resident_id = make_resident(session)
    had = claim_one(held, plain, resident_id)
    assert isinstance(had, Granted)
    assert refusal(claim_one(held, first, resident_id)) is ClaimedBeforeError
    assert refusal(claim_one(held, only, resident_id)) is HoldsAnotherError
    with transaction(held.sessions) as session:
        void(session, had.voucher.voucher_id)
    assert refusal(claim_one(held, first, resident_id)) is ClaimedBeforeError
    assert isinstance(claim_one(held, only, resident_id), Granted)
    assert_invariants(held)


def test_a_voucher_one_has_is_shown_again_whatever_one_has_claimed_since(held: Resources) -> None:
    with transaction(held.sessions) as session:
        season = make_season(session)
        first = make_release(
            session, make_campaign(session, season, eligibility={"first_time": True})
        ).id
        plain = make_release(session, make_campaign(session, season)).id
        resident_id = make_resident(session)
    before = claim_one(held, first, resident_id)
    claim_one(held, plain, resident_id)
    again = claim_one(held, first, resident_id)
    assert isinstance(before, Granted)
    assert again == Granted(before.voucher, repeated=True)


def test_a_group_has_its_own_seats_and_everybody_elses_after_them(held: Resources) -> None:
    with transaction(held.sessions) as session:
        season = make_season(session)
        release_id = make_release(
            session,
            make_campaign(session, season),
            quantity=3,
            groups=[Group("60 岁以上", FROM_SIXTY, 2)],
        ).id
        young = [make_resident(session) for _ in range(2)]
        old = [make_resident(session, born_on=OLD) for _ in range(3)]
    assert seats([claim_one(held, release_id, young[0])]) == [3]
    assert refusal(claim_one(held, release_id, young[1])) is SoldOutError
    assert seats([claim_one(held, release_id, one) for one in old]) == [1, 2, None]
    assert_invariants(held)


def test_what_a_group_leaves_is_everybodys_from_a_moment_on(held: Resources) -> None:
    with transaction(held.sessions) as session:
        past = make_season(session).season.starts_at
        release_id = make_release(
            session,
            make_campaign(session, make_season(session)),
            quantity=2,
            groups=[Group("60 岁以上", FROM_SIXTY, 1, opens_to_all_at=past + timedelta(seconds=1))],
        ).id
        young = [make_resident(session) for _ in range(3)]
    assert seats([claim_one(held, release_id, one) for one in young]) == [2, 1, None]
    assert_invariants(held)


@pytest.mark.parametrize("past_gate", [False, True])
def test_groups_keep_their_seats_when_the_gate_is_rebuilt_or_passed(
    held: Resources, past_gate: bool
) -> None:
    with transaction(held.sessions) as session:
        release_id = make_release(
            session,
            make_campaign(session, make_season(session)),
            quantity=4,
            groups=[Group("60 岁以上", FROM_SIXTY, 2)],
        ).id
        young = [make_resident(session) for _ in range(3)]
        old = make_resident(session, born_on=OLD)
    assert seats(claim_all(held, [online(release_id, young[0])])) == [3]
    held.hints.flushall()
    commands = [online(release_id, one) for one in (young[1], old, young[2])]
    assert seats(claim_all(held, commands, past_gate=past_gate)) == [4, 1, None]
    assert_invariants(held)


def test_a_release_takes_claims_of_its_own_mode_only(held: Resources) -> None:
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, make_season(session))
        release_id = make_release(session, campaign, mode=Mode.GRANT).id
        resident_id = make_resident(session)
    assert refusal(claim_one(held, release_id, resident_id)) is ModeMismatchError
    assert voucher_count(held) == 0
    assert seats(claim_all(held, [online(release_id, resident_id, mode=Mode.GRANT)])) == [1]
    assert_invariants(held)


def test_one_device_and_one_network_take_no_more_than_their_quota(held: Resources) -> None:
    narrow = Gate(held.hints, cold_claims_max=4, quotas=Quotas(per_device=2, per_network=3))
    with transaction(held.sessions) as session:
        release_id = open_release(session)
        residents = [make_resident(session) for _ in range(6)]

    def from_(resident_id: UUID, device: bytes) -> Outcome:
        command = online(release_id, resident_id, device_hash=device, network=b"a network")
        with transaction(held.sessions) as session:
            (outcome,) = claim(session, narrow, [command])
            return outcome

    assert seats([from_(one, b"phone 1") for one in residents[:2]]) == [1, 2]
    assert refusal(from_(residents[2], b"phone 1")) is DeviceLimitError
    assert seats([from_(residents[3], b"phone 2")]) == [3]
    assert refusal(from_(residents[4], b"phone 3")) is NetworkLimitError
    again = from_(residents[0], b"phone 1")
    assert isinstance(again, Granted)
    assert again.repeated
    assert_invariants(held)


def test_a_claim_that_was_undone_does_not_use_up_the_quota(held: Resources) -> None:
    narrow = Gate(held.hints, cold_claims_max=4, quotas=Quotas(per_device=1, per_network=1))
    with transaction(held.sessions) as session:
        release_id = open_release(session)
        residents = [make_resident(session) for _ in range(2)]
    commands = [online(release_id, one, device_hash=b"d", network=b"n") for one in residents]

    def claim_and_fail() -> None:
        with transaction(held.sessions) as session:
            claim(session, narrow, commands[:1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        claim_and_fail()
    with transaction(held.sessions) as session:
        (outcome,) = claim(session, narrow, commands[1:])
    assert seats([outcome]) == [1]
    assert_invariants(held)


def test_a_release_that_is_sold_out_is_answered_from_memory_but_not_to_its_holders(
    held: Resources,
) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=1)
        holder, late = make_resident(session), make_resident(session)
    assert isinstance(claim_one(held, release_id, holder), Granted)
    assert not gate().sold_out_for(release_id, late)
    assert refusal(claim_one(held, release_id, late)) is SoldOutError
    assert gate().sold_out_for(release_id, late)
    assert not gate().sold_out_for(release_id, holder)
    assert_invariants(held)


def test_seats_past_the_gate_go_to_whom_they_are_meant_for(held: Resources) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=2)
        residents = [make_resident(session) for _ in range(3)]
    claim_one(held, release_id, residents[0])
    assert seats(claim_all(held, [online(release_id, residents[1])], past_gate=True)) == [2]
    assert refusal(claim_one(held, release_id, residents[2])) is SoldOutError
    (full,) = claim_all(held, [online(release_id, residents[2])], past_gate=True)
    assert refusal(full) is SoldOutError
    assert_invariants(held)
