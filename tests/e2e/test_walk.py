"""`coupon-service walk` against a whole running service, as a newcomer runs both."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.whole import COMMAND, outside, whole_service

STEPS = 28

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    with whole_service() as environment:
        yield environment


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
        assert "8 entries under root" in walked.stdout
        assert "served: 直播间福利券, seat 101" in walked.stdout


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
