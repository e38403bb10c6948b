"""Parts that crash are started again, ever more slowly."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from coupon_service.embedded.children import end
from coupon_service.embedded.errors import EmbeddedServerError
from coupon_service.entrypoints.processes import Command, Part, start_command

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part[Command]]:
    part = Part("sleeper", lambda: start_command(SLEEP, env={}, log=tmp_path / "sleeper.log"))
    part.start()
    yield part
    part.stop()


def _news(part: Part[Command], *, within_s: float = 5.0) -> str:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if news := part.watch():
            return news
        time.sleep(0.01)
    raise AssertionError("nothing happened")


def test_a_part_that_runs_is_left_alone(part: Part[Command]) -> None:
    assert part.watch() is None


def test_a_killed_part_runs_again(part: Part[Command]) -> None:
    first = part.running.process.pid
    part.running.process.kill()
    assert "ended by SIGKILL" in _news(part)
    assert "running again" in _news(part)
    assert part.running.process.pid != first
    assert part.running.process.poll() is None


def test_each_crash_is_followed_by_a_longer_pause(part: Part[Command]) -> None:
    pauses = []
    for _ in range(2):
        part.running.process.kill()
        pauses.append(float(_news(part).rsplit(" in ", 1)[1].removesuffix(" s.")))
        _news(part)
    assert pauses == sorted(set(pauses))


def test_a_server_that_cannot_start_is_tried_again_later(tmp_path: Path) -> None:
    tries: list[None] = []

    def starter() -> Command:
        tries.append(None)
        if len(tries) == 2:
            raise EmbeddedServerError("no room on the disk")
        return start_command(SLEEP, env={}, log=tmp_path / "log")

    part = Part("server", starter)
    part.start()
    part.running.process.kill()
    _news(part)
    assert "no room on the disk" in _news(part)
    assert "running again" in _news(part)
    part.stop()


def test_what_a_command_leaves_behind_is_killed_with_it(tmp_path: Path) -> None:
    """A web server that is killed must not leave a worker beside its successor."""
    forking = "import os, time; print(os.fork() or os.getpid(), flush=True); time.sleep(60)"
    log = tmp_path / "log"
    command = start_command([sys.executable, "-c", forking], env={}, log=log)
    while len(log.read_text().split()) < 2:
        time.sleep(0.01)
    (left_behind,) = psutil.Process(command.process.pid).children()
    command.process.kill()
    command.process.wait()
    command.stop()
    while left_behind.is_running() and left_behind.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)


def test_a_command_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    command = start_command([sys.executable, "-c", deaf], env={}, log=tmp_path / "log")
    time.sleep(0.3)
    end(command.process, (signal.SIGTERM, 0.2))
    assert command.process.returncode == -signal.SIGKILL
