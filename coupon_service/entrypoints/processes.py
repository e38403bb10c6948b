"""Long-lived parts of a running service: started, watched, started again when they crash."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from coupon_service.embedded.children import end, spawn
from coupon_service.embedded.errors import EmbeddedServerError

_STOP_WITHIN_S = 15.0
_BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# A part that ran this long has recovered; its next crash starts the back-off anew.
_STEADY_AFTER_S = 60.0


class Running(Protocol):
    """A started part: an embedded server or a command."""

    @property
    def process(self) -> subprocess.Popen[bytes]: ...

    @property
    def log(self) -> Path: ...

    def stop(self) -> None: ...


R = TypeVar("R", bound=Running)


@dataclass(frozen=True)
class Command:
    """A started command, in a session of its own together with whatever it starts."""

    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Ask it to end its work and stop."""
        end(self.process, (signal.SIGTERM, _STOP_WITHIN_S), group=True)


def start_command(argv: Sequence[str], *, env: Mapping[str, str], log: Path) -> Command:
    """Start a command that dies with this process."""
    return Command(spawn(argv, env=env, output=log), log)


class Part(Generic[R]):
    """One supervised part. Not started until `start`."""

    def __init__(self, name: str, starter: Callable[[], R]) -> None:
        self.name = name
        self._starter = starter
        self._running: R | None = None
        self._started_s = 0.0
        self._crashes = 0
        self._due_s: float | None = None

    @property
    def running(self) -> R:
        """What was started last."""
        assert self._running is not None
        return self._running

    def start(self) -> None:
        """Start it.

        Raises:
            EmbeddedServerError: a server did not start.
        """
        self._running = self._starter()
        self._started_s = time.monotonic()
        self._due_s = None

    def watch(self) -> str | None:
        """Restart it if it has crashed and its pause is over; returns news for the operator."""
        if self._running is None:
            return None
        now_s = time.monotonic()
        if self._due_s is not None:
            if now_s < self._due_s:
                return None
            try:
                self.start()
            except EmbeddedServerError as error:
                return f"{error}\n{self._pause()}"
            return f"{self.name} is running again."
        code = self._running.process.poll()
        if code is None:
            return None
        if now_s - self._started_s > _STEADY_AFTER_S:
            self._crashes = 0
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        # What it may have left in its session must not work beside its successor.
        self._running.stop()
        return f"{self.name} {how}; its log is {self._running.log}. {self._pause()}"

    def stop(self) -> None:
        """Stop it if it was started."""
        if self._running is not None:
            self._running.stop()

    def _pause(self) -> str:
        pause_s = _BACK_OFF_S[min(self._crashes, len(_BACK_OFF_S) - 1)]
        self._crashes += 1
        self._due_s = time.monotonic() + pause_s
        return f"Starting it again in {pause_s:g} s."
