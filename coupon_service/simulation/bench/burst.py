"""The burst: claims leave at a fixed pace, whether or not earlier ones are answered.

A thousand claims a second on a release with seats for all, and five times that on one that is sold
out, while tills redeem. Latency counts from the moment a request was due (as wrk2 does), so that a
service that stalls is charged with everybody who had to wait; the bundled client does this, as wrk
cannot.
"""

import asyncio
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.resources import resources
from coupon_service.simulation.bench import data as bench_data
from coupon_service.simulation.bench.load import Load
from coupon_service.simulation.bench.routes import SOLD_OUT_SEATS, Showings, Stage, claims
from coupon_service.simulation.http import BrokenAnswerError, Connection, Target

CLAIMS_PER_S = 1_000
SOLD_OUT_PER_S = 5_000
# What a district's tills do on such a morning, meanwhile.
REDEMPTIONS_PER_S = 50
CONNECTIONS = 256
_PROCESSES = 2
_TICK_S = 0.001
# Answers that come later than this count as none; the claim is asked about again afterwards.
_LATEST_S = 10.0
_ASK_AGAIN = 3
# So many come too late, again and again: each of them stays far below the limit per resident.
_LATE_RESIDENTS = 10_000


@dataclass(frozen=True)
class Flow:
    """Requests at a pace. They go round if there are too few of them."""

    name: str
    requests: Sequence[bytes]
    per_second: float
    expected: int


@dataclass
class Flown:
    """What came of a flow: its load, and by number the requests that got the expected answer."""

    load: Load = field(default_factory=Load)
    right: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Burst:
    """The outcome: both flows, and everything that must not be.

    Attributes:
        asked_again: claims without an answer, or with one of 5xx, that were repeated afterwards.
        unresolved: those of them that still had no voucher then.
    """

    seconds: float
    flows: dict[str, tuple[Flow, Load]]
    asked_again: int
    unresolved: int
    faults: Sequence[str]

    @property
    def server_errors_share(self) -> float:
        """Answers of 5xx, and requests without any, among everything sent."""
        loads = [load for _, load in self.flows.values()]
        failed = sum(
            load.unanswered + sum(n for status, n in load.answers.items() if status >= 500)
            for load in loads
        )
        return failed / max(1, sum(load.sent for load in loads))


def residents_needed(seconds: float) -> int:
    """How many residents the burst takes."""
    return int(CLAIMS_PER_S * seconds) + SOLD_OUT_SEATS + _LATE_RESIDENTS


def burst(stage: Stage, seconds: float) -> Burst:
    """Send both flows, ask again where the outcome is unknown, and compare with the database."""
    count = int(CLAIMS_PER_S * seconds)
    people = stage.data.resident_ids
    early, late = people[:count], people[count + SOLD_OUT_SEATS :][:_LATE_RESIDENTS]
    with transaction(resources().sessions) as session:
        open_id = bench_data.open_release(session, stage.data, quantity=count)
        gone_id = bench_data.open_release(session, stage.data, quantity=SOLD_OUT_SEATS)
        bench_data.issue_vouchers(session, gone_id, people[:SOLD_OUT_SEATS])
        bench_data.warm_gate(session, open_id)
        bench_data.warm_gate(session, gone_id)
    at_tills = Showings(stage)
    paying = at_tills.redemptions(int(REDEMPTIONS_PER_S * seconds))
    flows = [
        Flow("claims", claims(stage, open_id, early), CLAIMS_PER_S, 201),
        Flow("sold out", claims(stage, gone_id, late), SOLD_OUT_PER_S, 409),
        Flow("redemptions", paying, REDEMPTIONS_PER_S, 201),
    ]
    claimed, refused, paid = _fire(stage.target, flows, seconds)
    open_ends = [n for n in range(count) if n not in claimed.right]
    resolved = asyncio.run(_ask_again(stage.target, [flows[0].requests[n] for n in open_ends]))
    acknowledged = {early[n] for n in claimed.right} | {early[open_ends[n]] for n in resolved}
    faults = _faults(open_id, count, acknowledged) + _oversold(gone_id, SOLD_OUT_SEATS)
    faults += at_tills.faults(paid.load)
    loads = (claimed.load, refused.load, paid.load)
    return Burst(
        seconds=seconds,
        flows={flow.name: (flow, load) for flow, load in zip(flows, loads, strict=True)},
        asked_again=len(open_ends),
        unresolved=len(open_ends) - len(resolved),
        faults=faults,
    )


def _fire(target: Target, flows: Sequence[Flow], seconds: float) -> list[Flown]:
    """Split every flow over the client's processes; each sends every second request of it."""
    began_s = time.time() + 1.0  # when all processes are up
    with ProcessPoolExecutor(_PROCESSES, multiprocessing.get_context("spawn")) as pool:
        shares = [
            pool.submit(
                _work,
                target,
                [
                    Flow(
                        flow.name,
                        flow.requests[number::_PROCESSES],
                        flow.per_second / _PROCESSES,
                        flow.expected,
                    )
                    for flow in flows
                ],
                seconds,
                began_s,
            )
            for number in range(_PROCESSES)
        ]
        total = [Flown() for _ in flows]
        for number, share in enumerate(shares):
            for whole, part in zip(total, share.result(), strict=True):
                whole.load.add(part.load)
                whole.right |= {n * _PROCESSES + number for n in part.right}
    for flown in total:
        flown.load.busy_s /= _PROCESSES
    return total


def _work(target: Target, flows: Sequence[Flow], seconds: float, began_s: float) -> list[Flown]:
    return asyncio.run(_drive(target, flows, seconds, began_s))


@dataclass
class _Crowd:
    """Free connections, and requests that are due while there is none: (flow, number, due)."""

    target: Target
    flows: Sequence[Flow]
    flown: Sequence[Flown]
    free: list[Connection]
    due: deque[tuple[int, int, float]] = field(default_factory=deque)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def send_due(self) -> None:
        while self.due and self.free:
            task = asyncio.create_task(self._exchange(self.free.pop(), *self.due.popleft()))
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)

    async def _exchange(
        self, connection: Connection, which: int, number: int, due_s: float
    ) -> None:
        flow, flown = self.flows[which], self.flown[which]
        flown.load.sent += 1
        try:
            answer = await connection.exchange(flow.requests[number % len(flow.requests)])
        except BrokenAnswerError:
            flown.load.broken += 1
            connection = await Connection.open(self.target)
        else:
            flown.load.answers[answer.status] += 1
            flown.load.latencies_us[round((time.perf_counter() - due_s) * 1_000_000)] += 1
            if answer.status == flow.expected:
                flown.right.add(number)
        self.free.append(connection)
        self.send_due()


async def _drive(
    target: Target, flows: Sequence[Flow], seconds: float, began_at: float
) -> list[Flown]:
    flown = [Flown() for _ in flows]
    count = CONNECTIONS // _PROCESSES
    crowd = _Crowd(target, flows, flown, [await Connection.open(target) for _ in range(count)])
    await asyncio.sleep(max(0.0, began_at - time.time()))
    began_s = time.perf_counter()
    next_number = [0] * len(flows)
    while (elapsed_s := time.perf_counter() - began_s) < seconds:
        for which, flow in enumerate(flows):
            while next_number[which] < elapsed_s * flow.per_second:
                number = next_number[which]
                crowd.due.append((which, number, began_s + number / flow.per_second))
                next_number[which] += 1
        crowd.send_due()
        await asyncio.sleep(_TICK_S)
    until_s = time.perf_counter() + _LATEST_S
    while (crowd.due or crowd.under_way) and time.perf_counter() < until_s:
        await asyncio.sleep(_TICK_S)
    for one in flown:
        one.load.busy_s, one.load.busy_answers = seconds, one.load.answers.total()
    for which, _, _ in crowd.due:  # never sent: nobody took them off our hands
        flown[which].load.sent += 1
    for task in list(crowd.under_way):
        task.cancel()
    return flown


async def _ask_again(target: Target, requests: Sequence[bytes]) -> set[int]:
    """Repeat claims of unknown outcome, as a resident would: those that have a voucher now."""
    resolved: set[int] = set()
    for _ in range(_ASK_AGAIN):
        connection = await Connection.open(target)
        for number in range(len(requests)):
            if number in resolved:
                continue
            try:
                answer = await connection.exchange(requests[number])
            except BrokenAnswerError:
                connection = await Connection.open(target)
                continue
            if answer.status in (200, 201):
                resolved.add(number)
        connection.close()
    return resolved


def _faults(release_id: UUID, quantity: int, acknowledged: set[UUID]) -> list[str]:
    with transaction(resources().sessions) as session:
        owners: list[UUID] = list(
            session.scalars(
                text("SELECT resident_id FROM vouchers WHERE release_id = :id"), {"id": release_id}
            )
        )
    with transaction(resources().sessions) as snapshot:
        judged = violations(snapshot, resources().invariants)
        broken = [f"invariant {one.invariant}: {one.found}" for one in judged]
    doubled = sum(count - 1 for count in Counter(owners).values())
    lost = len(acknowledged - set(owners))
    found = [f"{doubled} vouchers are doubled"] if doubled else []
    found += [f"{lost} acknowledged vouchers are lost"] if lost else []
    return found + broken + _oversold(release_id, quantity)


def _oversold(release_id: UUID, quantity: int) -> list[str]:
    with transaction(resources().sessions) as session:
        stored: int = session.execute(
            text("SELECT count(*) FROM vouchers WHERE release_id = :id"), {"id": release_id}
        ).scalar_one()
    return [f"{stored} vouchers on {quantity} seats"] if stored > quantity else []
