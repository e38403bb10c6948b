"""`coupon-service bench`: a service of its own, thrown away afterwards, and the measuring of it.

Run as a module it is that service's web server.
"""

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.settings import Environment, Settings, load_settings
from coupon_service.embedded import EmbeddedServerError, start_postgres, start_valkey
from coupon_service.embedded.errors import log_tail
from coupon_service.entrypoints.app import create_app
from coupon_service.entrypoints.migrate import upgrade
from coupon_service.entrypoints.ports import base_url, free_port
from coupon_service.entrypoints.processes import start_command
from coupon_service.entrypoints.serve import serve
from coupon_service.simulation.bench import data as bench_data
from coupon_service.simulation.bench import report
from coupon_service.simulation.bench.burst import burst, residents_needed
from coupon_service.simulation.bench.growth import fill
from coupon_service.simulation.bench.load import Client
from coupon_service.simulation.bench.measure import Plan, measure
from coupon_service.simulation.bench.python_client import PythonClient
from coupon_service.simulation.bench.routes import Stage
from coupon_service.simulation.bench.wrk import Wrk, is_installed
from coupon_service.simulation.http import Target

_PORT = 8400
_WIDTH = 100  # of the table in a file or a pipe
_READY_WITHIN_S = 60.0
_POLL_S = 0.1
# Nobody claims twice in one round, so a round needs as many residents as it may grant claims.
_RESIDENTS_PER_S = 10_000
_RESIDENTS_MIN = 8_000


def bench(
    seconds: float, out: Path, *, client_name: str | None, rounds: int, vouchers: int = 0
) -> int:
    """Start a service, measure it, print the table and write `out`; returns the exit code.

    With `vouchers`, so many are stored then, and everything is measured again.
    """
    client = _client(client_name)
    plan = Plan(seconds, rounds)

    def run(settings: Settings, stage: Stage, console: Console) -> tuple[dict[str, Any], bool]:
        outcome = measure(stage, client, plan, console)
        data = report.as_data(outcome, plan, client, settings)
        report.show(data, console)
        if not vouchers:
            return data, not outcome.faults
        _fill(stage, vouchers, console)
        grown = measure(stage, client, plan, console)
        data["grown"] = report.grown_as_data(data, grown, vouchers)
        report.show_grown(data, console)
        return data, not (outcome.faults or grown.faults)

    return _run(run, out, residents=_residents(seconds))


def bench_burst(seconds: float, out: Path) -> int:
    """Start a service, send it the burst, print what came of it; returns the exit code."""

    def run(settings: Settings, stage: Stage, console: Console) -> tuple[dict[str, Any], bool]:
        with console.status(f"claims are due for {seconds:g} s …"):
            outcome = burst(stage, seconds)
        data = report.burst_as_data(outcome, settings)
        report.show_burst(data, console)
        return data, not (outcome.faults or outcome.unresolved)

    return _run(run, out, residents=residents_needed(seconds))


def _run(
    run: Callable[[Settings, Stage, Console], tuple[dict[str, Any], bool]],
    out: Path,
    *,
    residents: int,
) -> int:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _WIDTH
    try:
        with ExitStack() as held:
            with console.status("starting a service of its own …"):
                settings, app = held.enter_context(_service())
            with console.status(f"preparing {residents:,} residents, merchants and tills …"):
                stage = _stage(settings, app, residents)
            data, is_right = run(settings, stage, console)
    except EmbeddedServerError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    report.write(data, out)
    console.print(f"Written to {out}", markup=False)
    return 0 if is_right else 1


def _fill(stage: Stage, vouchers: int, console: Console) -> None:
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"storing {vouchers:,} vouchers", total=vouchers)
        fill(stage.data, vouchers=vouchers, say=lambda stored: bar.update(task, completed=stored))


def _residents(seconds: float) -> int:
    return max(_RESIDENTS_MIN, int(seconds * _RESIDENTS_PER_S))


def _client(name: str | None) -> Client:
    if name == "wrk" or (name is None and is_installed()):
        return Wrk()
    return PythonClient()


def _stage(settings: Settings, app: Flask, residents: int) -> Stage:
    with transaction(resources().sessions) as session:
        data = bench_data.prepare(session, residents=residents)
    return Stage(Target(settings.host, settings.port), app, data)


@contextmanager
def _service() -> Iterator[tuple[Settings, Flask]]:
    """A fresh database, a fresh Valkey and a web server; this process joins as an application."""
    with tempfile.TemporaryDirectory(prefix="coupon-bench-") as folder, ExitStack() as started:
        state_dir = Path(folder)
        # Root's servers run as another account that has to pass through.
        state_dir.chmod(0o711)
        postgres = start_postgres(state_dir / "postgres")
        started.callback(postgres.stop)
        valkey = start_valkey(state_dir / "valkey")
        started.callback(valkey.stop)
        upgrade(postgres.url)
        settings = _settings(state_dir, postgres.url, valkey.url)
        metrics = state_dir / "metrics"
        metrics.mkdir()
        environment = _environment(settings) | {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
        web = start_command(
            [sys.executable, "-m", "coupon_service.entrypoints.bench_service"],
            env=environment,
            log=state_dir / "web.log",
        )
        started.callback(web.stop)
        _wait_until_ready(base_url(settings.host, settings.port), web.log)
        app = create_app(settings)
        with app.app_context():
            started.callback(resources().engine.dispose)
            yield settings, app


def _settings(state_dir: Path, database_url: str, redis_url: str) -> Settings:
    """Production's settings. Workers, threads and pool come from the environment, if it says so."""
    given = load_settings()
    return load_settings(
        env=Environment.PRODUCTION,
        state_dir=state_dir,
        database_url=database_url,
        redis_url=redis_url,
        secret_key=secrets.token_urlsafe(48),
        metrics_token=secrets.token_urlsafe(32),
        public_url="https://bench.invalid",
        sms_sender="https://bench.invalid",
        # All the crowd comes from one address, which a single client cannot help.
        claims_per_network_max=1_000_000_000,
        scans_per_network_max=1_000_000_000,
        host=given.host,
        port=free_port(given.host, _PORT),
    )


def _environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with these settings in it."""
    values = settings.model_dump(exclude_none=True)
    for name in ("secret_key", "metrics_token"):
        values[name] = getattr(settings, name).get_secret_value()
    return dict(os.environ) | {f"COUPON_{name.upper()}": str(v) for name, v in values.items()}


def _wait_until_ready(url: str, log: Path) -> None:
    deadline_s = time.monotonic() + _READY_WITHIN_S
    while not _is_ready(url):
        if time.monotonic() > deadline_s:
            raise EmbeddedServerError(f"The web server did not start:\n{log_tail(log)}")
        time.sleep(_POLL_S)


def _is_ready(url: str) -> bool:
    try:
        # Not through a proxy that the environment may name: this is our own machine.
        return httpx.get(f"{url}/readyz", trust_env=False, timeout=5).is_success
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    serve(load_settings(), target="coupon_service.entrypoints.bench_wsgi:app")
