"""The bundled load generator, where wrk is not installed: asyncio, in several processes.

It works in two halves. First every connection sends its next request as soon as it has an answer,
which finds how much the service can do. Then requests leave at a fixed pace below that, whether or
not earlier ones are answered, and latency counts from the moment a request was due: a service that
stalls is charged with everybody who had to wait.
"""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from coupon_service.simulation.bench.load import Load, Volley
from coupon_service.simulation.http import BrokenAnswerError, Connection, Target

_PROCESSES = min(2, os.cpu_count() or 1)
# Share of what the service can do. Above, a queue only shows how long the test was.
PACE_SHARE = 0.7


class PythonClient:
    """The bundled client."""

    name = "python"
    note = (
        f"open loop: p50 and p99 at {PACE_SHARE:.0%} of the rate found before, counted from when "
        "a request was due. The client itself limits the bare route, which flatters the ratios"
    )

    def fire(self, target: Target, volley: Volley, *, seconds: float, connections: int) -> Load:
        """Send the volley: half of the time at full load, half of it at a pace."""
        spawned = multiprocessing.get_context("spawn")
        total = Load()
        with ProcessPoolExecutor(_PROCESSES, mp_context=spawned) as pool:
            shares = [
                pool.submit(
                    _work,
                    target,
                    Volley(
                        volley.requests[number::_PROCESSES] or volley.requests,
                        volley.expected,
                        volley.cycle,
                    ),
                    seconds,
                    max(1, connections // _PROCESSES),
                )
                for number in range(_PROCESSES)
            ]
            for share in shares:
                total.add(share.result())
        # The processes worked side by side.
        total.busy_s /= _PROCESSES
        return total


def _work(target: Target, volley: Volley, seconds: float, connections: int) -> Load:
    return asyncio.run(_drive(target, volley, seconds, connections))


async def _drive(target: Target, volley: Volley, seconds: float, connections: int) -> Load:
    load = Load()
    supply = _Supply(volley, load)
    pool = [await Connection.open(target) for _ in range(connections)]
    began_s = time.perf_counter()
    until_s = began_s + seconds / 2
    await asyncio.gather(*(_saturate(connection, supply, until_s) for connection in pool))
    load.busy_s = time.perf_counter() - began_s
    load.busy_answers = load.answers.total()
    pace = load.per_second * PACE_SHARE
    pool = [connection for connection in pool if connection.is_open]
    if pace and pool:
        await _keep_pace(pool, supply, pace, seconds / 2)
    for connection in pool:
        connection.close()
    return load


@dataclass
class _Supply:
    """The requests that are left, and the one place where answers are counted."""

    volley: Volley
    load: Load

    def __post_init__(self) -> None:
        self._left = self._endless() if self.volley.cycle else iter(self.volley.requests)

    def next(self) -> bytes | None:
        return next(self._left, None)

    async def exchange(self, connection: Connection, request: bytes) -> None:
        """Send and count.

        Raises:
            BrokenAnswerError: the connection is of no more use.
        """
        self.load.sent += 1
        try:
            answer = await connection.exchange(request)
        except BrokenAnswerError:
            self.load.broken += 1
            raise
        self.load.answers[answer.status] += 1

    def _endless(self) -> Iterator[bytes]:
        while True:
            yield from self.volley.requests


async def _saturate(connection: Connection, supply: _Supply, until_s: float) -> None:
    while time.perf_counter() < until_s and (request := supply.next()) is not None:
        try:
            await supply.exchange(connection, request)
        except BrokenAnswerError:
            return


async def _keep_pace(
    pool: list[Connection], supply: _Supply, per_second: float, seconds: float
) -> None:
    """Let one request become due after the other; whichever connection is free takes the next."""
    due: asyncio.Queue[float | None] = asyncio.Queue()

    async def serve(connection: Connection) -> None:
        while (due_s := await due.get()) is not None:
            request = supply.next()
            if request is None:
                return
            try:
                await supply.exchange(connection, request)
            except BrokenAnswerError:
                return
            waited_us = round((time.perf_counter() - due_s) * 1_000_000)
            supply.load.latencies_us[waited_us] += 1

    servers = [asyncio.create_task(serve(connection)) for connection in pool]
    began_s = time.perf_counter()
    count = int(per_second * seconds)
    for number in range(count):
        due_s = began_s + number / per_second
        if (early_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(early_s)
        due.put_nowait(due_s)
    for _ in servers:
        due.put_nowait(None)
    await asyncio.gather(*servers)
