"""Any sequence of publish, claim, void, expire, recycle, pause, resize and close conserves both.

A plain Python model says what must come out; the database, the gate and the ledger must agree.
"""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import func, select, update

from coupon_service.campaigns.errors import QuantityOutOfBoundsError
from coupon_service.campaigns.fund import budget
from coupon_service.campaigns.models import Campaign, Channel, Release
from coupon_service.campaigns.release import close, pause, publish, resize, resume
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.issuance.claim import ClaimCommand, Granted, Outcome, Refused, claim
from coupon_service.issuance.errors import SoldOutError
from coupon_service.issuance.gate import SOLD_OUT_MS, gate
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.ledger.queries import balance_fen
from coupon_service.vouchers.lifecycle import expire_due, void
from coupon_service.vouchers.models import Voucher, VoucherState
from tests.factories.campaigns import (
    draft_release,
    make_campaign,
    make_release,
    make_season,
)
from tests.factories.people import make_resident
from tests.invariants import assert_invariants

FACE_FEN = 2_000
BUDGET_FACES = 12
PEOPLE = 8


@dataclass
class Round:
    """What the model knows of one release. Counts of coupons."""

    id: UUID
    quantity: int
    state: str = "draft"
    holders: dict[int, UUID] = field(default_factory=dict)  # person -> voucher, whatever its state
    live: set[int] = field(default_factory=set)
    highest_seat: int = 0

    @property
    def reserved(self) -> int:
        unclaimed = self.quantity - len(self.holders) if self.state in ("open", "paused") else 0
        return unclaimed + len(self.live)


class SeatsAndMoney(RuleBasedStateMachine):
    held: Resources
    rounds: list[Round]

    @initialize(quantity=st.integers(2, 6))
    def season(self, quantity: int) -> None:
        with transaction(self.held.sessions) as session:
            season = make_season(session, amount_fen=BUDGET_FACES * FACE_FEN)
            self.campaign: Campaign = make_campaign(session, season)
            self.people = [make_resident(session) for _ in range(PEOPLE)]
            release = make_release(session, self.campaign, quantity=quantity)
        self.rounds = [Round(release.id, quantity, "open")]

    @property
    def free(self) -> int:
        return BUDGET_FACES - sum(one.reserved for one in self.rounds)

    def some(self, data: st.DataObject, *states: str) -> Round | None:
        found = [one for one in self.rounds if one.state in states]
        return data.draw(st.sampled_from(found)) if found else None

    def claimed(self, one: Round, person: int, *, past_gate: bool) -> Outcome:
        command = ClaimCommand(one.id, self.people[person], Channel.ONLINE)
        with transaction(self.held.sessions) as session:
            (outcome,) = claim(session, gate(), [command], past_gate=past_gate)
        return outcome

    @precondition(lambda self: len(self.rounds) < 3)
    @rule(quantity=st.integers(1, 6))
    def draft(self, quantity: int) -> None:
        """A new round; out of money that came back, this is a recycling."""
        with transaction(self.held.sessions) as session:
            release = draft_release(session, self.campaign, quantity=quantity)
        self.rounds.append(Round(release.id, quantity))

    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        one = self.some(data, "draft")
        if one is None:
            return
        enough = one.quantity <= self.free
        try:
            with transaction(self.held.sessions) as session:
                publish(session, one.id, now=db_now(session))
        except InsufficientFundsError:
            assert not enough
        else:
            assert enough
            one.state = "open"

    @rule(data=st.data(), person=st.integers(0, PEOPLE - 1), past_gate=st.booleans())
    def claim(self, data: st.DataObject, person: int, past_gate: bool) -> None:
        one = self.some(data, "open", "paused", "closed")
        if one is None:
            return
        outcome = self.claimed(one, person, past_gate=past_gate)
        free = one.state == "open" and len(one.holders) < one.quantity
        if free and isinstance(outcome, Refused) and isinstance(outcome.error, SoldOutError):
            time.sleep(SOLD_OUT_MS / 1000)  # what comes back to a sold-out release rests
            outcome = self.claimed(one, person, past_gate=past_gate)
        if person in one.holders:
            assert isinstance(outcome, Granted)
            assert outcome.voucher.voucher_id == one.holders[person]
        elif free:
            assert isinstance(outcome, Granted), outcome
            one.holders[person] = outcome.voucher.voucher_id
            one.live.add(person)
            one.highest_seat = max(one.highest_seat, outcome.voucher.seat)
        else:
            assert isinstance(outcome, Refused)

    @rule(data=st.data())
    def claim_by_everybody(self, data: st.DataObject) -> None:
        for person in range(PEOPLE):
            self.claim(data, person, past_gate=False)

    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        found = [(one, person) for one in self.rounds for person in sorted(one.live)]
        if found:
            one, person = data.draw(st.sampled_from(found))
            with transaction(self.held.sessions) as session:
                void(session, one.holders[person])
            one.live.discard(person)

    @rule(data=st.data())
    def expire(self, data: st.DataObject) -> None:
        found = [(one, person) for one in self.rounds for person in sorted(one.live)]
        if found:
            one, person = data.draw(st.sampled_from(found))
            with transaction(self.held.sessions) as session:
                session.execute(
                    update(Voucher)
                    .where(Voucher.id == one.holders[person])
                    .values(
                        valid_from=func.now() - timedelta(days=2),
                        expires_at=func.now() - timedelta(days=1),
                    )
                )
                assert expire_due(session, now=db_now(session)) == 1
            one.live.discard(person)

    @rule(data=st.data())
    def pause_or_resume(self, data: st.DataObject) -> None:
        one = self.some(data, "open", "paused")
        if one is None:
            return
        with transaction(self.held.sessions) as session:
            (pause if one.state == "open" else resume)(session, one.id)
        drain(self.held.sessions)  # the gate hears of it
        one.state = "paused" if one.state == "open" else "open"

    @rule(data=st.data(), quantity=st.integers(1, 8))
    def resize(self, data: st.DataObject, quantity: int) -> None:
        one = self.some(data, "draft", "open", "paused")
        if one is None:
            return
        costs = 0 if one.state == "draft" else quantity - one.quantity
        try:
            with transaction(self.held.sessions) as session:
                resize(session, one.id, quantity=quantity, expected=one.quantity)
        except QuantityOutOfBoundsError:
            assert quantity < one.highest_seat
        except InsufficientFundsError:
            assert costs > self.free
        else:
            assert costs <= self.free
            one.quantity = quantity
        drain(self.held.sessions)

    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        one = self.some(data, "open", "paused")
        if one is not None:
            with transaction(self.held.sessions) as session:
                close(session, one.id, now=db_now(session))
            drain(self.held.sessions)
            one.state = "closed"

    @rule()
    def lose_the_gate(self) -> None:
        self.held.hints.flushall()

    def teardown(self) -> None:
        if not hasattr(self, "rounds"):
            return
        with transaction(self.held.sessions) as session:
            node = budget(self.campaign.season_id, self.campaign.node_id)
            assert balance_fen(session, node) == self.free * FACE_FEN
            for one in self.rounds:
                stored = dict(
                    session.execute(
                        select(Voucher.resident_id, Voucher.state).where(
                            Voucher.release_id == one.id
                        )
                    ).all()
                )
                assert set(stored) == {self.people[person] for person in one.holders}
                issued = {id_ for id_, state in stored.items() if state == VoucherState.ISSUED}
                assert issued == {self.people[person] for person in one.live}
                assert session.get_one(Release, one.id).quantity == one.quantity
        assert_invariants(self.held)


@pytest.fixture
def machine(held: Resources) -> type[SeatsAndMoney]:
    return type("SeatsAndMoney", (SeatsAndMoney,), {"held": held})


def test_any_sequence_of_moves_conserves_seats_and_money(machine: type[SeatsAndMoney]) -> None:
    case = machine.TestCase
    case.settings = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
