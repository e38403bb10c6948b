"""The waiting list: who gets what came back, and in which order."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from threading import Event
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from coupon_service.campaigns.errors import ReleaseClosedError
from coupon_service.campaigns.fund import give_back_unused
from coupon_service.campaigns.models import Mode, Release
from coupon_service.campaigns.release import close
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ForbiddenError, ProblemError
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import Granted
from coupon_service.issuance.errors import LimitReachedError
from coupon_service.issuance.gate import gate
from coupon_service.issuance.hand_back import hand_back
from coupon_service.issuance.waiting.errors import (
    NotWaitingError,
    NoWaitingHereError,
    StillAvailableError,
)
from coupon_service.issuance.waiting.join import join
from coupon_service.issuance.waiting.leave import leave
from coupon_service.issuance.waiting.models import WaitingEntry, WaitingList
from coupon_service.issuance.waiting.queries import Place, Standing, place_of
from coupon_service.issuance.waiting.serve import serve
from coupon_service.notices.models import Notice, NoticeKind
from coupon_service.residents.models import Proxy, ProxyState, Relation
from coupon_service.vouchers.errors import VoucherNotFoundError, VoucherStateError
from coupon_service.vouchers.lifecycle import expire_due, void
from coupon_service.vouchers.models import VoidReason, Voucher, VoucherState
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.people import make_resident
from tests.factories.residents import signed_in_browser
from tests.factories.waves import at_once, claim_now, make_mode_release
from tests.invariants import assert_invariants


class Hall:
    """A release whose seats are all taken, and people who wait for it."""

    def __init__(self, held: Resources, *, seats: int, **terms: object) -> None:
        self.held = held
        with transaction(held.sessions) as session:
            self.small: SmallSeason = make_season(session)
            campaign = make_campaign(session, self.small, **terms)
            self.release_id = make_release(session, campaign, quantity=seats).id
        self.holders = [self.resident() for _ in range(seats)]
        self.vouchers = [self.claimed(resident_id) for resident_id in self.holders]

    def resident(self) -> UUID:
        with transaction(self.held.sessions) as session:
            return make_resident(session)

    def claimed(self, resident_id: UUID) -> UUID:
        with transaction(self.held.sessions) as session:
            outcome = claim_now(session, self.release_id, resident_id)
            assert isinstance(outcome, Granted)
            return outcome.voucher.voucher_id

    def join(self, resident_id: UUID) -> Place:
        with transaction(self.held.sessions) as session:
            return join(session, gate(), self.release_id, resident_id, now=db_now(session))

    def waiting(self, count: int) -> list[UUID]:
        residents = [self.resident() for _ in range(count)]
        for resident_id in residents:
            self.join(resident_id)
        return residents

    def place(self, resident_id: UUID) -> Place:
        with transaction(self.held.sessions) as session:
            release = session.get_one(Release, self.release_id)
            return place_of(session, release, resident_id, now=db_now(session))

    def give_back(self, count: int) -> None:
        for resident_id, voucher_id in list(zip(self.holders, self.vouchers, strict=True))[:count]:
            with transaction(self.held.sessions) as session:
                hand_back(session, resident_id, voucher_id)
        del self.holders[:count], self.vouchers[:count]

    def serve(self) -> int:
        with transaction(self.held.sessions) as session:
            return serve(session, gate(), self.release_id, now=db_now(session))

    def served(self, residents: list[UUID]) -> list[bool]:
        return [self.place(one).standing is Standing.SERVED for one in residents]


def test_what_comes_back_goes_to_those_who_waited_longest_and_to_nobody_twice(
    held: Resources,
) -> None:
    hall = Hall(held, seats=3)
    waiting = hall.waiting(4)
    assert [hall.place(one).ahead for one in waiting] == [0, 1, 2, 3]
    assert hall.serve() == 0
    hall.give_back(2)
    assert hall.serve() == 2
    assert hall.serve() == 0
    assert hall.served(waiting) == [True, True, False, False]
    assert hall.place(waiting[2]).ahead == 0
    with transaction(held.sessions) as session:
        release = session.get_one(Release, hall.release_id)
        assert release.quantity == 5
        told = session.scalars(
            select(Notice.resident_id).where(Notice.kind == NoticeKind.CAME_BACK)
        ).all()
        assert sorted(told) == sorted(waiting[:2])
    assert_invariants(held)


def test_newcomers_who_rush_in_do_not_get_before_those_who_wait(
    app: OpenAPI, held: Resources
) -> None:
    hall = Hall(held, seats=6)
    waiting = hall.waiting(6)
    newcomers = [hall.resident() for _ in range(4)]
    over = Event()

    def rush(resident_id: UUID) -> int:
        tries = 0
        while not over.is_set():
            tries += 1
            with app.app_context(), transaction(held.sessions) as session:
                assert not isinstance(claim_now(session, hall.release_id, resident_id), Granted)
        return tries

    with ThreadPoolExecutor(len(newcomers)) as pool:
        rushing = [pool.submit(rush, one) for one in newcomers]
        try:
            for _ in range(3):
                hall.give_back(2)
                assert drain(held.sessions) > 0
        finally:
            over.set()
        assert all(one.result() > 0 for one in rushing)
    assert hall.served(waiting) == [True] * 6
    with transaction(held.sessions) as session:
        seats = session.execute(
            select(WaitingEntry.place, Voucher.seat)
            .join(Voucher, Voucher.id == WaitingEntry.voucher_id)
            .order_by(WaitingEntry.place)
        ).all()
    assert [seat for _, seat in seats] == [7, 8, 9, 10, 11, 12]
    assert_invariants(held)


def test_two_workers_that_serve_one_list_at_once_serve_each_person_once(
    app: OpenAPI, held: Resources
) -> None:
    hall = Hall(held, seats=4)
    waiting = hall.waiting(4)
    hall.give_back(4)
    assert sum(at_once(app, lambda _: hall.serve(), range(4))) == 4
    assert hall.served(waiting) == [True] * 4
    assert_invariants(held)


def test_expired_vouchers_come_back_too(held: Resources) -> None:
    hall = Hall(held, seats=2)
    (waiting,) = hall.waiting(1)
    with transaction(held.sessions) as session:
        voucher = session.get_one(Voucher, hall.vouchers[0])
        voucher.expires_at = db_now(session) - timedelta(seconds=1)
        session.flush()
        assert expire_due(session, now=db_now(session)) == 1
    drain(held.sessions)
    assert hall.served([waiting]) == [True]
    assert_invariants(held)


def test_money_that_was_spent_meanwhile_is_not_given_out_again(held: Resources) -> None:
    hall = Hall(held, seats=2)
    waiting = hall.waiting(2)
    hall.give_back(2)
    with transaction(held.sessions) as session:
        # All but one coupon's worth has gone back up the tree.
        left_fen = 100_000_000 - 2_000
        give_back_unused(session, hall.small.event.id, left_fen)
    assert hall.serve() == 1
    assert hall.served(waiting) == [True, False]
    assert_invariants(held)


def test_somebody_who_may_not_have_one_makes_way_for_the_next(held: Resources) -> None:
    hall = Hall(held, seats=2, eligibility={"holds_no_other": True})
    waiting = hall.waiting(2)
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, hall.small)
        elsewhere = make_release(session, campaign, quantity=5).id
    with transaction(held.sessions) as session:
        assert isinstance(claim_now(session, elsewhere, waiting[0]), Granted)
    hall.give_back(1)
    assert hall.serve() == 1
    assert hall.served(waiting) == [False, True]
    with transaction(held.sessions) as session:
        release = session.get_one(Release, hall.release_id)
        assert release.quantity == 3
        passed_over = session.scalars(
            select(WaitingEntry.refused).where(WaitingEntry.resident_id == waiting[0])
        ).one()
    assert passed_over == "holds-another"
    assert_invariants(held)


def test_joining_again_keeps_the_place_and_leaving_gives_it_up(held: Resources) -> None:
    hall = Hall(held, seats=1)
    first, second = hall.waiting(2)
    assert hall.join(first).ahead == 0
    with transaction(held.sessions) as session:
        leave(session, hall.release_id, first, now=db_now(session))
    assert hall.place(second).ahead == 0
    assert hall.join(first).ahead == 1
    with transaction(held.sessions) as session:
        leave(session, hall.release_id, first, now=db_now(session))
    with transaction(held.sessions) as session, pytest.raises(NotWaitingError):
        leave(session, hall.release_id, first, now=db_now(session))
    assert hall.place(first).standing is Standing.OUTSIDE
    assert_invariants(held)


def test_who_cannot_wait_is_told_why_and_is_on_no_list(held: Resources) -> None:
    hall = Hall(held, seats=1)
    sold_out, stranger = hall.release_id, hall.resident()
    with transaction(held.sessions) as session:
        campaign = make_campaign(session, hall.small)
        left = make_release(session, campaign).id
        by_code = make_mode_release(session, campaign, Mode.CODE, quantity=1).id
    cases: list[tuple[UUID, UUID, type[ProblemError]]] = [
        (left, stranger, StillAvailableError),
        (by_code, stranger, NoWaitingHereError),
        (sold_out, hall.holders[0], LimitReachedError),
    ]
    for hall.release_id, resident_id, refusal in cases:
        with pytest.raises(refusal):
            hall.join(resident_id)
    with transaction(held.sessions) as session:
        close(session, sold_out, now=db_now(session))
    with pytest.raises(ReleaseClosedError):
        hall.join(stranger)
    with transaction(held.sessions) as session:
        assert session.scalars(select(WaitingEntry)).all() == []
        assert session.scalars(select(WaitingList)).all() == []
    assert_invariants(held)


def test_a_release_that_has_closed_serves_nobody(held: Resources) -> None:
    hall = Hall(held, seats=1)
    (waiting,) = hall.waiting(1)
    with transaction(held.sessions) as session:
        close(session, hall.release_id, now=db_now(session))
    hall.give_back(1)
    assert hall.serve() == 0
    assert hall.place(waiting).standing is Standing.OVER
    assert_invariants(held)


def test_handing_back_frees_the_money_but_not_the_count(held: Resources) -> None:
    hall = Hall(held, seats=1)
    resident_id, voucher_id = hall.holders[0], hall.vouchers[0]
    stranger = hall.resident()
    with transaction(held.sessions) as session, pytest.raises(VoucherNotFoundError):
        hand_back(session, stranger, voucher_id)
    hall.give_back(1)
    with transaction(held.sessions) as session, pytest.raises(VoucherStateError):
        hand_back(session, resident_id, voucher_id)
    with transaction(held.sessions) as session:
        voucher = session.get_one(Voucher, voucher_id)
        assert (voucher.state, voucher.void_reason) == (VoucherState.VOID, VoidReason.RETURNED)
    with pytest.raises(LimitReachedError):
        hall.join(resident_id)
    assert_invariants(held)


def act_for(held: Resources, agent_id: UUID, principal_id: UUID, relation: Relation) -> None:
    with transaction(held.sessions) as session:
        now = db_now(session)
        session.add(
            Proxy(
                id=new_id(),
                principal_id=principal_id,
                agent_id=agent_id,
                relation=relation,
                state=ProxyState.LIVE,
                asked_by_id=agent_id,
                asked_at=now,
                consented_at=now,
                confirmed_by=new_id(),
            )
        )


@pytest.mark.parametrize("relation", [Relation.RELATIVE, Relation.CARER])
def test_a_carer_may_hand_back_for_somebody_and_a_relative_may_not(
    held: Resources, relation: Relation
) -> None:
    hall = Hall(held, seats=1)
    agent_id = hall.resident()
    act_for(held, agent_id, hall.holders[0], relation)
    refused = nullcontext() if relation is Relation.CARER else pytest.raises(ForbiddenError)
    with refused, transaction(held.sessions) as session:
        hand_back(session, agent_id, hall.vouchers[0])
    with transaction(held.sessions) as session:
        state = session.get_one(Voucher, hall.vouchers[0]).state
    assert state == (VoucherState.VOID if relation is Relation.CARER else VoucherState.ISSUED)
    assert_invariants(held)


def test_the_api_joins_counts_leaves_and_serves(app: OpenAPI, held: Resources) -> None:
    hall = Hall(held, seats=1)
    hall.waiting(1)
    address = f"/api/v1/releases/{hall.release_id}/waiting"
    browser = signed_in_browser(app, verified=True)
    assert browser.get(address).json["standing"] == "outside"
    assert browser.put(address).json["ahead"] == 1
    assert browser.delete(address).status_code == 204
    assert browser.delete(address).status_code == 409
    assert browser.put(address).json["standing"] == "waiting"
    with transaction(held.sessions) as session:
        void(session, hall.vouchers[0])
    drain(held.sessions)
    assert browser.get(address).json["ahead"] == 0
    assert_invariants(held)
