"""Ends one process when another has ended: the fallback where the kernel cannot be asked to.

Run as a script, not imported: `python guard.py PARENT_PID CHILD_PID SIGNAL`.
"""

import os
import sys
import time
from contextlib import suppress

import psutil

_POLL_S = 0.2


def guard(parent_pid: int, child: psutil.Process, death_signal: int) -> None:
    """Watch until the parent ends, then signal the child; return early if the child ends first."""
    while os.getppid() == parent_pid:
        if not _alive(child):
            return
        time.sleep(_POLL_S)
    # psutil compares creation times, so a reused process id is left alone.
    if _alive(child):
        child.send_signal(death_signal)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    with suppress(psutil.NoSuchProcess):
        guard(int(sys.argv[1]), psutil.Process(int(sys.argv[2])), int(sys.argv[3]))
