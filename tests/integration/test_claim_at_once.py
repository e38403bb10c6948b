"""Claims that one statement settles, and those that are left to a transaction."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import ReleaseNotFoundError
from coupon_service.campaigns.models import Channel
from coupon_service.core.db import in_transaction, transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources, resources
from coupon_service.issuance import desk
from coupon_service.issuance.answers import DeviceSpent, NetworkSpent, Seat, SoldOut, Wanted
from coupon_service.issuance.arrays import array, byteas, uuids
from coupon_service.issuance.claim import ClaimCommand, Granted, Outcome, Refused
from coupon_service.issuance.claim_at_once import claim_at_once
from coupon_service.issuance.errors import SoldOutError
from coupon_service.issuance.gate import Gate, Quotas, gate
from coupon_service.issuance.reconcile import warm
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import open_release
from tests.factories.people import make_crowd, make_resident
from tests.invariants import assert_invariants


def at_once(*commands: ClaimCommand) -> list[Outcome | None]:
    return in_transaction(
        resources().statements, lambda session: claim_at_once(session, gate(), commands)
    )


def online(release_id: UUID, resident_id: UUID) -> ClaimCommand:
    return ClaimCommand(release_id, resident_id, Channel.ONLINE)


def opened(held: Resources, **terms: Any) -> UUID:
    """A release whose gate is warm."""
    with transaction(held.sessions) as session:
        release_id = open_release(session, **terms)
    with transaction(held.sessions) as session:
        assert warm(session, gate(), release_id)
    return release_id


def crowd(held: Resources, count: int) -> list[UUID]:
    with transaction(held.sessions) as session:
        return make_crowd(session, count)


def voucher_count(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(Voucher)).scalar_one()


def test_a_claim_is_stored_by_one_statement_that_commits_by_itself(held: Resources) -> None:
    release_id = opened(held)
    (resident_id,) = crowd(held, 1)
    (outcome,) = at_once(online(release_id, resident_id))
    assert isinstance(outcome, Granted)
    assert voucher_count(held) == 1
    with held.sessions() as session:
        stored = session.scalars(select(Voucher)).one()
    assert (stored.id, stored.seat) == (outcome.voucher.voucher_id, outcome.voucher.seat)
    assert (stored.valid_from, stored.expires_at) == (
        outcome.voucher.facts.not_before,
        outcome.voucher.facts.expires_at,
    )
    assert_invariants(held)


def test_connections_are_as_before_once_a_claim_has_been_made(held: Resources) -> None:
    release_id = opened(held)
    residents = crowd(held, 2)
    at_once(online(release_id, residents[0]))
    with held.sessions() as session:
        make_resident(session)
        session.rollback()
        assert session.execute(text("SELECT count(*) FROM residents")).scalar_one() == 2


@pytest.mark.parametrize(
    "eligibility", [{"first_time": True}, {"holds_no_other": True}, {"min_age": 100}]
)
def test_where_other_vouchers_decide_or_a_condition_is_not_met_nothing_is_taken(
    held: Resources, eligibility: dict[str, Any]
) -> None:
    release_id = opened(held, eligibility=eligibility)
    (resident_id,) = crowd(held, 1)
    assert at_once(online(release_id, resident_id)) == [None]
    assert voucher_count(held) == 0
    assert gate().seats_out_count(release_id) == 0


def test_a_repeated_claim_and_a_cold_gate_are_left_to_a_transaction(held: Resources) -> None:
    release_id = opened(held)
    (resident_id,) = crowd(held, 1)
    (first, twice) = at_once(*[online(release_id, resident_id)] * 2)
    assert isinstance(first, Granted)
    assert twice is None
    held.hints.flushall()
    assert at_once(online(release_id, resident_id)) == [None]
    assert voucher_count(held) == 1
    assert_invariants(held)


def test_a_batch_of_every_kind_gets_its_outcomes_in_order(held: Resources) -> None:
    plain, scarce = opened(held), opened(held, quantity=1)
    asks = opened(held, eligibility={"first_time": True})
    one, two, three = crowd(held, 3)
    commands = [
        online(scarce, one),
        online(new_id(), one),
        online(asks, two),
        online(scarce, two),
        online(plain, three),
        online(plain, three),
    ]
    outcomes = desk._claim_all(commands)
    assert [
        type(outcome.error) if isinstance(outcome, Refused) else outcome.repeated
        for outcome in outcomes
    ] == [False, ReleaseNotFoundError, False, SoldOutError, False, True]
    assert voucher_count(held) == 3
    assert_invariants(held)


def test_a_statement_that_breaks_gives_every_seat_back(held: Resources) -> None:
    release_id = opened(held)
    residents = crowd(held, 3)
    nobodys = ClaimCommand(release_id, residents[0], Channel.ONLINE, claimed_by_id=new_id())
    with pytest.raises(IntegrityError):
        at_once(nobodys, *(online(release_id, one) for one in residents[1:]))
    assert voucher_count(held) == 0
    assert gate().seats_out_count(release_id) == 0
    assert_invariants(held)


def test_what_is_left_and_finds_no_database_takes_no_stored_neighbour_with_it(
    held: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, asks = opened(held), opened(held, eligibility={"first_time": True})
    one, two = crowd(held, 2)

    def no_database(*_: object) -> list[Outcome]:
        raise UnavailableError

    monkeypatch.setattr(desk, "claim", no_database)
    stored, failed = desk._claim_all([online(plain, one), online(asks, two)])
    assert isinstance(stored, Granted)
    assert isinstance(failed, Refused)
    assert isinstance(failed.error, UnavailableError)
    assert voucher_count(held) == 1
    assert_invariants(held)


def test_the_gate_counts_within_one_call_as_over_many(held: Resources) -> None:
    release_id = opened(held, quantity=4)
    people = [new_id() for _ in range(6)]
    narrow = Gate(held.hints, cold_claims_max=4, quotas=Quotas(per_device=1, per_network=2))
    assert narrow.take(
        release_id,
        [
            Wanted(people[0], 1, b"a", b"home"),
            Wanted(people[1], 1, b"a", b"office"),
            Wanted(people[0], 1, b"b", b"home"),
            Wanted(people[2], 1, b"b", b"home"),
            Wanted(people[3], 1, b"c", b"home"),
        ],
    ) == [Seat(1), DeviceSpent(), Seat(1), Seat(2), NetworkSpent()]
    narrow.give_back(release_id, Wanted(people[0], 1, b"a", b"home"), 1)
    answers = narrow.take(release_id, [Wanted(person, 1) for person in people[1:]])
    assert answers[:4] == [Seat(1), Seat(2), Seat(3), Seat(4)]
    assert isinstance(answers[4], SoldOut)
    assert narrow.seats_out_count(release_id) == 4


def test_a_call_that_sells_out_tells_the_version_that_its_own_seats_made(held: Resources) -> None:
    release_id = opened(held, quantity=2)
    people = [new_id() for _ in range(4)]
    answers = gate().take(release_id, [Wanted(person, 1) for person in people])
    assert answers[:2] == [Seat(1), Seat(2)]
    for answer in answers[2:]:
        assert isinstance(answer, SoldOut)
        assert answer.lasting is not None
    assert [gate().sold_out_for(release_id, person) for person in people] == [
        *(False, False),
        *(True, True),
    ]


def test_arrays_arrive_as_they_were_sent(session: Session) -> None:
    ids, values = [new_id(), None], [b'\x00\\"{}', None, b""]
    row = session.connection().exec_driver_sql(
        "SELECT %s::uuid[], %s::bytea[], %s::int[], %s::uuid[]",
        (uuids(ids), byteas(values), array([3, 1]), uuids([])),
    )
    assert row.one() == (ids, values, [3, 1], [])
