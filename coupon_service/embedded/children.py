"""Child processes that die with their parent, however the parent ends.

Linux ends a child for us (`PR_SET_PDEATHSIG`), even when its parent is killed. Elsewhere a small
guard process watches the parent and ends the child in its place.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.2
KERNEL_ENDS_CHILDREN = sys.platform == "linux"
# Loaded before any fork: between fork and exec nothing may be imported.
_LIBC = ctypes.CDLL(None, use_errno=True) if KERNEL_ENDS_CHILDREN else None
_guards: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Account:
    """The operating system account that a server runs as."""

    name: str
    uid: int
    gid: int


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    output: Path | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    kernel_ends_children: bool = KERNEL_ENDS_CHILDREN,
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own; it gets `death_signal` when this process ends.

    The session keeps the terminal's Ctrl-C away, so that the parent decides the order of stopping.
    `output` is appended to and receives both streams.

    Raises:
        RuntimeError: not called by the main thread. Linux counts the *thread* that started a
            child as its parent, so a child of a short-lived thread would die early.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("children are started by the main thread")
    parent_pid = os.getpid()

    def before_exec() -> None:
        # After the change of account, which would clear it.
        if kernel_ends_children:
            die_with_parent(parent_pid, death_signal)

    stream = _open_log(output)
    try:
        child = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT if stream else None,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=before_exec,  # noqa: PLW1509  # it only makes two system calls
        )
    finally:
        if stream:
            stream.close()
    if not kernel_ends_children:
        _guard(child.pid, death_signal)
    return child


def die_with_parent(parent_pid: int, death_signal: signal.Signals = signal.SIGKILL) -> None:
    """Called by a child: get `death_signal` when `parent_pid` ends.

    For children that are forked elsewhere: a web server's workers, an RQ work horse.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    else:
        threading.Thread(target=_end_after, args=(parent_pid, death_signal), daemon=True).start()
    # The parent may have ended between the fork and the request.
    if os.getppid() != parent_pid:
        os._exit(1)


def end(
    child: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float], group: bool = False
) -> None:
    """Send each signal and wait its seconds, until the child is gone; at last SIGKILL.

    With `group`, what the child left behind in its session is killed too.
    """
    for number, patience_s in steps:
        if child.poll() is not None:
            break
        child.send_signal(number)
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
    if child.poll() is None:
        child.kill()
    if group:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _open_log(path: Path | None) -> IO[bytes] | None:
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _end_after(parent_pid: int, death_signal: signal.Signals) -> None:
    while os.getppid() == parent_pid:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), death_signal)


def _guard(child_pid: int, death_signal: signal.Signals) -> None:
    guard = Path(__file__).with_name("guard.py")
    argv = [sys.executable, str(guard), str(os.getpid()), str(child_pid), str(int(death_signal))]
    _guards[:] = [running for running in _guards if running.poll() is None]
    _guards.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True))
