"""The bench: rounds of every route in turn, checked after each volley, reported as one table."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.resources import resources
from coupon_service.simulation.bench.load import Client, Load
from coupon_service.simulation.bench.routes import (
    Bare,
    ClaimGranted,
    ClaimSoldOut,
    Quote,
    Redemption,
    Route,
    Stage,
    VoucherPage,
    Wallet,
)

CONNECTIONS = 64
# The first volley finds how many requests must be ready for the others.
_WARM_UP_S = 1.0
_WARM_UP_REQUESTS = 5_000
_READY_FACTOR = 3.0
_READY_PER_S_MIN = 2_000
# Requests that were under way when the time was over come to their end.
_SETTLE_S = 0.7


@dataclass(frozen=True)
class Plan:
    """How much is measured: each route for `seconds` in every one of `rounds`."""

    seconds: float
    rounds: int
    connections: int = CONNECTIONS


@dataclass
class Measured:
    """One route's volleys, and what was wrong with them."""

    name: str
    rounds: list[Load] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def total(self) -> Load:
        total = Load()
        for load in self.rounds:
            total.add(load)
        return total


@dataclass(frozen=True)
class Outcome:
    """All routes, the bare one first, and the invariants that do not hold afterwards."""

    routes: Sequence[Measured]
    broken_invariants: Sequence[str]

    @property
    def faults(self) -> list[str]:
        """Everything that must not be."""
        found = [f"{route.name}: {fault}" for route in self.routes for fault in route.faults]
        return found + [f"invariant {broken}" for broken in self.broken_invariants]


def measure(stage: Stage, client: Client, plan: Plan, console: Console) -> Outcome:
    """Measure everything. Routes take turns: what disturbs the machine disturbs them all."""
    routes: list[Route] = [
        Bare(stage),
        ClaimGranted(stage),
        ClaimSoldOut(stage),
        Wallet(stage),
        VoucherPage(stage),
        Quote(stage),
        Redemption(stage),
    ]
    measured = [Measured(route.name) for route in routes]
    ready = {}

    def fire(route: Route, seconds: float, requests: int) -> tuple[Load, bool]:
        """Send a volley; also tells whether its requests sufficed for the time."""
        volley = route.volley(requests)
        load = client.fire(stage.target, volley, seconds=seconds, connections=plan.connections)
        time.sleep(_SETTLE_S)
        return load, volley.cycle or load.sent < len(volley.requests)

    with _progress(console, len(routes) * (plan.rounds + 1)) as say:
        for route in routes:
            say(f"warm-up: {route.name}")
            load, _ = fire(route, _WARM_UP_S, _WARM_UP_REQUESTS)
            ready_per_s = max(load.per_second * _READY_FACTOR, _READY_PER_S_MIN)
            ready[route.name] = int(ready_per_s * plan.seconds)
        for number in range(1, plan.rounds + 1):
            for route, kept in zip(routes, measured, strict=True):
                say(f"round {number}: {route.name}")
                load, sufficed = fire(route, plan.seconds, ready[route.name])
                kept.rounds.append(load)
                kept.faults += route.faults(load)
                if not sufficed:
                    kept.faults.append("the prepared requests ran out, so the rate is too low")
    with console.status("checking all invariants …"), transaction(resources().sessions) as snapshot:
        broken = [
            f"{one.invariant}: {one.found}" for one in violations(snapshot, resources().invariants)
        ]
    return Outcome(measured, broken)


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[str], None]]:
    """A bar with one step per volley; say what begins."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing", total=total)
        yield lambda said: bar.update(task, advance=1, description=said)
