"""What the bench says: a table for people, and JSON for programs."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from coupon_service.core.settings import Settings
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
        "service": {
            "web_workers": settings.web_workers,
            "web_threads": settings.web_threads,
            "db_pool_size": settings.db_pool_size,
            "rate_limits_enabled": settings.rate_limits_enabled,
        },
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
    if data["faults"]:
        for fault in data["faults"]:
            console.print(f"WRONG: {fault}", style="bold red", markup=False)
        return
    console.print(
        "Checked: every 201 is stored, nothing is stored twice or oversold "
        f"({SOLD_OUT_SEATS} seats stayed {SOLD_OUT_SEATS}), all invariants hold.",
        style="green",
    )


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
