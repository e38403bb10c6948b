"""`coupon-service walk` against a whole running service, as a newcomer runs both."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coupon_service.embedded.state import reset, running_on

COMMAND = [sys.executable, str(Path(sys.executable).with_name("coupon-service"))]
STEPS = 21

pytestmark = [pytest.mark.xdist_group("supervisor"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """The environment of commands that mean this test's running service."""
    state_dir = Path(tempfile.mkdtemp(prefix="coupon-walk-"))
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


def outside() -> dict[str, str]:
    """This process's environment without what it says of other services."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COUPON_")}
    ours.pop("PROMETHEUS_MULTIPROC_DIR", None)
    return ours


def walk(environment: dict[str, str], **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "walk"],
        env={**environment, **changes},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_a_walk_through_a_fresh_service_and_one_after_it_find_no_surprise(
    environment: dict[str, str],
) -> None:
    for _ in range(2):
        walked = walk(environment)
        assert walked.returncode == 0, walked.stdout + walked.stderr
        assert f"{STEPS} steps in" in walked.stdout
        assert "100 × voucher, 400 × 409 sold-out" in walked.stdout
        assert "oversold 0" in walked.stdout


def test_a_walk_that_is_surprised_says_so_and_fails(environment: dict[str, str]) -> None:
    walked = walk(environment, COUPON_SECRET_KEY="not the key this service was started with")
    assert walked.returncode == 1
    assert "Surprise: official may not sign in" in walked.stdout
    assert "Traceback" not in walked.stdout + walked.stderr


def test_a_walk_where_nothing_runs_says_how_to_start(tmp_path: Path) -> None:
    walked = walk({**outside(), "COUPON_STATE_DIR": str(tmp_path)})
    assert walked.returncode == 2
    assert "coupon-service up" in walked.stderr
    assert "Traceback" not in walked.stderr
