"""The whole service, as `coupon-service up` runs it, in a state directory of its own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coupon_service.embedded.state import reset, running_on

COMMAND = [sys.executable, str(Path(sys.executable).with_name("coupon-service"))]


def outside() -> dict[str, str]:
    """This process's environment without what it says of other services."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COUPON_")}
    ours.pop("PROMETHEUS_MULTIPROC_DIR", None)
    return ours


@contextmanager
def whole_service() -> Iterator[dict[str, str]]:
    """Run it with the demo season; yields the environment of commands that mean this service."""
    state_dir = Path(tempfile.mkdtemp(prefix="coupon-whole-"))
    # Root's servers run as another account that has to pass through.
    state_dir.chmod(0o711)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    env = {**outside(), "COUPON_STATE_DIR": str(state_dir), "COUPON_PORT": str(port)}
    with subprocess.Popen([*COMMAND, "up"], env=env, stdout=subprocess.PIPE, text=True) as up:
        try:
            assert up.stdout is not None
            for line in up.stdout:
                if line.startswith("Ready in"):
                    break
            assert running_on(state_dir) is not None, "the service did not come up"
            yield env
        finally:
            up.terminate()
            up.wait(60)
            reset(state_dir)
            shutil.rmtree(state_dir, ignore_errors=True)
