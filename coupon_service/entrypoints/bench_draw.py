"""`coupon-service draw-bench`: a lottery of a million entries on servers of its own."""

import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psutil
from rich.console import Console

from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.settings import Environment, load_settings
from coupon_service.embedded import (
    EmbeddedPostgres,
    EmbeddedServerError,
    start_postgres,
    start_valkey,
)
from coupon_service.entrypoints.app import create_app
from coupon_service.entrypoints.migrate import upgrade
from coupon_service.issuance.gate import gate
from coupon_service.issuance.lottery import verify_draw
from coupon_service.issuance.lottery.advance import Step, advance, next_step
from coupon_service.issuance.lottery.models import LotteryDraw
from coupon_service.issuance.lottery.queries import result_parts
from coupon_service.simulation.bench.draw_data import SEED_NAME, prepare_draw

_KIB = 1024


@dataclass(frozen=True)
class Spent:
    """Seconds: on the clock, and of processors.

    Attributes:
        process_s: of this process and of those it has waited for.
        postgres_s: of all processes of the database.
    """

    clock_s: float
    process_s: float
    postgres_s: float

    @classmethod
    def so_far(cls, postgres: EmbeddedPostgres) -> "Spent":
        own = sum(os.times()[:4])
        postmaster = psutil.Process(postgres.pid)
        theirs = sum(postmaster.cpu_times()[:4])
        theirs += sum(sum(child.cpu_times()[:2]) for child in postmaster.children())
        return cls(time.perf_counter(), own, theirs)

    def since(self, before: "Spent") -> "Spent":
        return Spent(
            self.clock_s - before.clock_s,
            self.process_s - before.process_s,
            self.postgres_s - before.postgres_s,
        )

    def __str__(self) -> str:
        cpu = f"processor {self.process_s:5.1f} s here, {self.postgres_s:5.1f} s PostgreSQL"
        return f"{self.clock_s:6.1f} s   {cpu}"


def bench_draw(entries: int, winners: int) -> int:
    """Take a lottery from its closing to its published and checked file; returns the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        with (
            _application() as postgres,
            tempfile.TemporaryDirectory(prefix="coupon-draw-") as folder,
        ):
            with console.status(f"writing {entries:,} entries …"):
                release_id = _prepare(entries, winners)
            started = Spent.so_far(postgres)
            for step in (Step.CLOSE, Step.DRAW, Step.GRANT, Step.PUBLISH):
                before = Spent.so_far(postgres)
                _take(release_id, step)
                console.print(f"{step:<8} {Spent.so_far(postgres).since(before)}")
            console.print(f"together {Spent.so_far(postgres).since(started)}")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
            console.print(f"peak memory of this process {peak:,.0f} MiB")
            path = Path(folder) / "result.jsonl.gz"
            path.write_bytes(_file(release_id))
            console.print(f"file     {path.stat().st_size / 1e6:6.1f} MB")
            script = [sys.executable, "-I", verify_draw.__file__, str(path)]
            before = Spent.so_far(postgres)
            found = subprocess.run(script, check=False, stdout=subprocess.PIPE, text=True)
            console.print(f"verify   {Spent.so_far(postgres).since(before)}")
            is_right = found.returncode == 0 and f"OK: {entries} entries" in found.stdout
            return 0 if is_right else 1
    except EmbeddedServerError as error:
        console.print(str(error), style="red", markup=False)
        return 1


def _prepare(entries: int, winners: int) -> UUID:
    settings = resources().settings
    folder = settings.state_dir / "seeds"
    folder.mkdir()
    (folder / SEED_NAME).write_text(secrets.token_hex(32))
    with transaction(resources().sessions) as session:
        return prepare_draw(session, entries=entries, winners=winners)


def _take(release_id: UUID, step: Step) -> None:
    """Every turn of one kind of step."""
    held = resources()
    while True:
        with transaction(held.sessions) as session:
            draw = session.get_one(LotteryDraw, release_id)
            # As if the announced hours had passed.
            now = draw.seed_available_at + (draw.seed_available_at - draw.entries_close_at)
            if draw.state == "collecting":
                now = draw.entries_close_at
            if next_step(draw, now) is not step:
                return
        with transaction(held.sessions) as session:
            advance(session, gate(), held.settings, release_id, now=now)


def _file(release_id: UUID) -> bytes:
    with transaction(resources().sessions) as session:
        return b"".join(result_parts(session, release_id))


@contextmanager
def _application() -> Iterator[EmbeddedPostgres]:
    """Servers and an application of their own; yields the database's server."""
    with tempfile.TemporaryDirectory(prefix="coupon-draw-") as folder, ExitStack() as started:
        state_dir = Path(folder)
        # Root's servers run as another account that has to pass through.
        state_dir.chmod(0o711)
        postgres = start_postgres(state_dir / "postgres")
        started.callback(postgres.stop)
        valkey = start_valkey(state_dir / "valkey")
        started.callback(valkey.stop)
        upgrade(postgres.url)
        settings = load_settings(
            env=Environment.TEST,
            state_dir=state_dir,
            database_url=postgres.url,
            redis_url=valkey.url,
            rate_limits_enabled=False,
        )
        app = create_app(settings)
        with app.app_context():
            started.callback(resources().engine.dispose)
            yield postgres
