"""What the bench says: a table for people, and JSON for programs."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from coupon_service.core.settings import Settings
from coupon_service.simulation.bench.burst import Burst
from coupon_service.simulation.bench.load import Client
from coupon_service.simulation.bench.measure import Measured, Outcome, Plan
from coupon_service.simulation.bench.routes import SOLD_OUT_SEATS

_LIBRARIES = ("flask", "granian", "sqlalchemy", "psycopg", "redis")


def as_data(outcome: Outcome, plan: Plan, client: Client, settings: Settings) -> dict[str, Any]:
    """Everything measured, with what it was measured on."""
    bare = outcome.routes[0].total.per_second
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "client": {"name": client.name, "note": client.note, "connections": plan.connections},
        "plan": {"seconds_per_round": plan.seconds, "rounds": plan.rounds},
        "service": _service(settings),
        "machine": _machine(),
        "routes": {route.name: _figures(route, bare) for route in outcome.routes},
        "faults": outcome.faults,
    }


def write(data: dict[str, Any], path: Path) -> None:
    """Write the JSON."""
    path.write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n")


def show(data: dict[str, Any], console: Console) -> None:
    """Print the table, its notes, and what was checked."""
    table = Table(
        title="Requests per second, and the ratio to a bare route of the same run", box=box.SIMPLE
    )
    table.add_column("route", no_wrap=True)
    for column in ("requests/s", "lowest–highest", "p50 ms", "p99 ms", "errors", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, figures in data["routes"].items():
        lowest, highest = figures["requests_per_s_range"]
        table.add_row(
            name,
            f"{figures['requests_per_s']:,.0f}",
            f"{lowest:,.0f}–{highest:,.0f}",
            f"{figures['p50_ms']:.1f}",
            f"{figures['p99_ms']:.1f}",
            f"{figures['errors']:,}",
            f"{figures['ratio_to_bare']:.3f}",
        )
    console.print(table)
    for note in _notes(data):
        console.print(f"  {note}", style="dim", markup=False)
    if _show_faults(data["faults"], console):
        return
    console.print(
        "Checked: every 201 is stored, nothing is stored twice or oversold "
        f"({SOLD_OUT_SEATS} seats stayed {SOLD_OUT_SEATS}), all invariants hold.",
        style="green",
    )


def grown_as_data(data: dict[str, Any], outcome: Outcome, vouchers: int) -> dict[str, Any]:
    """The second measurement, with each rate beside that of the empty table."""
    bare = outcome.routes[0].total.per_second
    routes = {route.name: _figures(route, bare) for route in outcome.routes}
    for name, figures in routes.items():
        before = data["routes"][name]["ratio_to_bare"]
        figures["ratio_to_before"] = round(figures["ratio_to_bare"] / before, 3) if before else 0.0
    return {"vouchers": vouchers, "routes": routes, "faults": outcome.faults}


def show_grown(data: dict[str, Any], console: Console) -> None:
    """Print how much slower each route has become."""
    grown = data["grown"]
    table = Table(title=f"The same with {grown['vouchers']:,} vouchers stored", box=box.SIMPLE)
    table.add_column("route", no_wrap=True)
    for column in ("requests/s", "p50 ms", "p99 ms", "ratio", "of the ratio before"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, figures in grown["routes"].items():
        table.add_row(
            name,
            f"{figures['requests_per_s']:,.0f}",
            f"{figures['p50_ms']:.1f}",
            f"{figures['p99_ms']:.1f}",
            f"{figures['ratio_to_bare']:.3f}",
            f"{figures['ratio_to_before']:.2f}",
        )
    console.print(table)
    _show_faults(grown["faults"], console)


def burst_as_data(burst: Burst, settings: Settings) -> dict[str, Any]:
    """What came of the burst."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": burst.seconds,
        "service": _service(settings),
        "machine": _machine(),
        "flows": {
            name: {
                "offered_per_s": flow.per_second,
                "answered_per_s": round(load.per_second, 1),
                "p50_ms": load.percentile_ms(50),
                "p99_ms": load.percentile_ms(99),
                "answers": {str(status): n for status, n in sorted(load.answers.items())},
                "unanswered": load.unanswered,
            }
            for name, (flow, load) in burst.flows.items()
        },
        "server_errors_share": round(burst.server_errors_share, 6),
        "asked_again": burst.asked_again,
        "unresolved": burst.unresolved,
        "faults": list(burst.faults),
    }


def show_burst(data: dict[str, Any], console: Console) -> None:
    """Print both flows and what was checked."""
    table = Table(title=f"Claims due at a fixed pace for {data['seconds']:g} s", box=box.SIMPLE)
    table.add_column("flow", no_wrap=True)
    for column in ("offered/s", "answered/s", "p50 ms", "p99 ms", "unanswered"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, figures in data["flows"].items():
        table.add_row(
            name,
            f"{figures['offered_per_s']:,.0f}",
            f"{figures['answered_per_s']:,.0f}",
            f"{figures['p50_ms']:.1f}",
            f"{figures['p99_ms']:.1f}",
            f"{figures['unanswered']:,}",
        )
    console.print(table)
    service = data["service"]
    for note in (
        "The bundled client, open loop: a request counts from when it was due.",
        f"{service['web_workers']} web workers × {service['web_threads']} threads.",
        f"5xx and unanswered: {data['server_errors_share']:.3%} of everything sent.",
        f"Asked again: {data['asked_again']:,}; unresolved after that: {data['unresolved']:,}.",
    ):
        console.print(f"  {note}", style="dim", markup=False)
    if _show_faults(data["faults"], console):
        return
    console.print("Checked: oversold 0, doubled 0, acknowledged but lost 0, all invariants hold.")


def _show_faults(faults: Sequence[str], console: Console) -> bool:
    for fault in faults:
        console.print(f"WRONG: {fault}", style="bold red", markup=False)
    return bool(faults)


def _figures(route: Measured, bare_per_s: float) -> dict[str, Any]:
    total = route.total
    rates = [load.per_second for load in route.rounds]
    right = max(total.answers, key=lambda status: total.answers[status], default=0)
    return {
        "requests_per_s": round(total.per_second, 1),
        "requests_per_s_range": [round(min(rates), 1), round(max(rates), 1)],
        "p50_ms": total.percentile_ms(50),
        "p99_ms": total.percentile_ms(99),
        "errors": total.answers.total() - total.answers[right] + total.broken,
        "answers": {str(status): count for status, count in sorted(total.answers.items())},
        "under_way_at_the_end": total.unanswered,
        "ratio_to_bare": round(total.per_second / bare_per_s, 4) if bare_per_s else 0.0,
    }


def _notes(data: dict[str, Any]) -> list[str]:
    client, plan, service, machine = (
        data[name] for name in ("client", "plan", "service", "machine")
    )
    where = f"server and client on one machine: {machine['cpus']} CPUs, {machine['cpu']}"
    turns = f"{plan['rounds']} rounds of {plan['seconds_per_round']:g} s for each route in turn"
    served = f"{service['web_workers']} web workers × {service['web_threads']} threads"
    return [
        f"{client['name']}, {client['connections']} connections, {client['note']}.",
        f"{turns}; {where}.",
        f"{served}; PostgreSQL flushes every COMMIT. Workers and ticker are not running.",
        "Rate limits are on as in production: each till stays below its own, and no route here",
        "has one per network, which a single client would trip.",
    ]


def _service(settings: Settings) -> dict[str, Any]:
    return {
        "web_workers": settings.web_workers,
        "web_threads": settings.web_threads,
        "db_pool_size": settings.db_pool_size,
        "rate_limits_enabled": settings.rate_limits_enabled,
    }


def _machine() -> dict[str, Any]:
    return {
        "cpus": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "cpu": _cpu(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
