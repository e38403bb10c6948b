"""The state directory of one service: who holds it, and where its servers can be reached."""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from coupon_service.embedded.errors import EmbeddedServerError
from coupon_service.embedded.place import forget

_LOCK = "up.lock"
_RUNNING = "running.json"
_SERVERS = ("postgres", "valkey")
_OURS = (_LOCK, _RUNNING, "*.log", "*.log.1", "metrics*")


@dataclass(frozen=True)
class Running:
    """What the process that holds a state directory has started."""

    pid: int
    url: str
    database_url: str
    redis_url: str


class HeldError(EmbeddedServerError):
    """Another process holds the state directory; `running` is what it wrote, if anything yet."""

    def __init__(self, state_dir: Path, running: Running | None) -> None:
        self.running = running
        where = f" at {running.url} (pid {running.pid})" if running else ""
        super().__init__(f"A service is already running on {state_dir}{where}.")


@contextmanager
def hold(state_dir: Path) -> Iterator[None]:
    """Be the only one on a state directory, made if need be; the kernel lets go when we end.

    Raises:
        HeldError: another process holds it.
        EmbeddedServerError: it cannot be made or written.
    """
    try:
        # Root's servers run as another account that has to pass through.
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        descriptor = os.open(state_dir / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedServerError(
            f"The state directory cannot be used: {error}. COUPON_STATE_DIR chooses another."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeldError(state_dir, _read(state_dir)) from None
        try:
            yield
        finally:
            (state_dir / _RUNNING).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def write_running(state_dir: Path, running: Running) -> None:
    """Tell other commands of this checkout where the servers are; the holder calls this."""
    path = state_dir / _RUNNING
    aside = path.with_suffix(".new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(running), file)
    aside.replace(path)


def running_on(state_dir: Path) -> Running | None:
    """What runs on a state directory now; None if nobody holds it, or it is not ours to read."""
    try:
        descriptor = os.open(state_dir / _LOCK, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(state_dir)
    finally:
        os.close(descriptor)
    return None


def reset(state_dir: Path) -> None:
    """Remove what this service keeps in a state directory, and what its servers keep elsewhere.

    Only names of ours: a mistyped COUPON_STATE_DIR must not empty somebody's home.

    Raises:
        HeldError: it is in use.
    """
    if not state_dir.exists():
        return
    with hold(state_dir):
        for name in _SERVERS:
            forget(state_dir / name)
        for pattern in _OURS:
            for path in state_dir.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    with suppress(OSError):
        state_dir.rmdir()


def _read(state_dir: Path) -> Running | None:
    try:
        return Running(**json.loads((state_dir / _RUNNING).read_text()))
    except (OSError, ValueError, TypeError):
        return None


if __name__ == "__main__":
    try:
        reset(Path(sys.argv[1]))
    except EmbeddedServerError as error:
        sys.exit(f"{error} Stop it first.")
