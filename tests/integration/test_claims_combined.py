"""Claims that come at the same time share a transaction, and nothing else."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from coupon_service.campaigns.models import Channel
from coupon_service.core.combine import Combiner
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.issuance import desk
from coupon_service.issuance.claim import ClaimCommand, Granted, Outcome
from coupon_service.issuance.desk import claim_online
from coupon_service.vouchers.models import Voucher
from tests.factories.campaigns import open_release
from tests.factories.people import make_crowd
from tests.invariants import assert_invariants


def holders(held: Resources, release_id: UUID) -> list[UUID]:
    with transaction(held.sessions) as session:
        wanted = select(Voucher.resident_id).where(Voucher.release_id == release_id)
        return list(session.scalars(wanted))


def test_of_sixty_four_at_once_forty_get_a_seat_and_a_voucher_each(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=40)
        residents = make_crowd(session, 64)
    start = threading.Barrier(len(residents))

    def act(resident_id: UUID) -> str:
        with app.test_request_context():
            start.wait(20)
            try:
                claim_online(resident_id, release_id)
            except ProblemError as error:
                return error.slug
            return "granted"

    with ThreadPoolExecutor(len(residents)) as pool:
        outcomes = Counter(pool.map(act, residents))
    assert outcomes == {"granted": 40, "sold-out": 24}
    assert len(set(holders(held, release_id))) == 40
    assert_invariants(held)


def test_a_claim_that_the_database_cannot_store_takes_no_neighbour_with_it(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session)
        residents = make_crowd(session, 9)
    commands = [ClaimCommand(release_id, resident_id, Channel.ONLINE) for resident_id in residents]
    # Nobody has this id: the INSERT of the whole batch breaks on its foreign key.
    commands[4] = ClaimCommand(release_id, residents[4], Channel.ONLINE, claimed_by_id=new_id())
    batches: list[int] = []
    all_are_there = threading.Event()

    def run(batch: Sequence[ClaimCommand]) -> Sequence[Outcome]:
        batches.append(len(batch))
        if len(batches) == 1:
            assert all_are_there.wait(20)
        return desk._claim_all(batch)

    combiner = Combiner(run)

    def act(command: ClaimCommand) -> Outcome:
        with app.app_context():
            return combiner.submit(command)

    with ThreadPoolExecutor(len(commands)) as pool:
        asked = [pool.submit(act, command) for command in commands]
        while len(combiner._waiting) < len(commands) - 1:
            time.sleep(0.001)
        all_are_there.set()
        with pytest.raises(IntegrityError):
            asked.pop(4).result(20)
        assert all(isinstance(one.result(20), Granted) for one in asked)
    assert batches[:2] == [1, 8]
    assert set(holders(held, release_id)) == {*residents[:4], *residents[5:]}
    assert_invariants(held)


def test_sold_out_leaves_no_trace_and_the_holder_still_gets_the_voucher_again(
    app: OpenAPI, held: Resources
) -> None:
    with transaction(held.sessions) as session:
        release_id = open_release(session, quantity=1)
        winner, late = make_crowd(session, 2)
    with app.test_request_context():
        claim_online(winner, release_id)
    for _ in range(2):  # the second time out of this process's own memory
        with app.test_request_context(), pytest.raises(ProblemError, match="claimed"):
            claim_online(late, release_id)
    with app.test_request_context():
        assert claim_online(winner, release_id).repeated
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count()).select_from(Voucher)).scalar_one() == 1
    assert_invariants(held)
