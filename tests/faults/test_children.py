"""A child never outlives the process that started it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from coupon_service.embedded.children import spawn

pytestmark = pytest.mark.skipif(
    sys.platform == "linux" and not Path("/proc/self").exists(),
    reason="processes are found through /proc, which is not mounted",
)

PARENT = """
import os, sys, time
from pathlib import Path
from coupon_service.embedded.children import spawn
child = spawn([sys.executable, "-c", "import time; time.sleep(60)"], env=os.environ,
              kernel_ends_children=sys.argv[1] == "kernel")
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            "kernel",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux's own way"),
        ),
        "guard",
    ],
)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_dies_with_its_parent(way: str, number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, way], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    family = psutil.Process(parent.pid).children(recursive=True)
    assert child in family
    parent.send_signal(number)
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


def test_a_thread_may_not_start_a_child(tmp_path: Path) -> None:
    """Linux would end it together with the thread, long before the process."""
    refusals: list[RuntimeError] = []

    def start() -> None:
        try:
            spawn([sys.executable, "-c", ""], env=os.environ)
        except RuntimeError as refusal:
            refusals.append(refusal)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(refusals) == 1
