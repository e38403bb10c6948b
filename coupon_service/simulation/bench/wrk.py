"""The load generator wrk (https://github.com/wg/wrk), where it is installed."""

import shutil
import subprocess
import tempfile
from collections import Counter
from importlib.resources import files
from pathlib import Path

from coupon_service.simulation.bench.load import Load, Volley
from coupon_service.simulation.http import Target

_THREADS = 2
_SCRIPT = "wrk.lua"


class WrkFailedError(Exception):
    """wrk did not run; the message is what it said."""


class Wrk:
    """wrk: every connection sends its next request as soon as it has its answer."""

    name = "wrk"
    note = (
        "closed loop: each connection always has a request under way, so p50 and p99 are those "
        "of a service at its limit"
    )

    def fire(self, target: Target, volley: Volley, *, seconds: float, connections: int) -> Load:
        """Send the volley.

        Raises:
            WrkFailedError: wrk ended with an error.
        """
        # The answers of a volley that is sent round and round are all alike.
        count_statuses = "0" if volley.expected < 400 and volley.cycle else "1"
        with tempfile.TemporaryDirectory(prefix="coupon-bench-") as folder:
            prefix, report = Path(folder) / "requests", Path(folder) / "report"
            for number in range(_THREADS):
                share = volley.requests[number::_THREADS] or volley.requests
                Path(f"{prefix}.{number}").write_bytes(b"\0".join(share))
            arguments = [
                *("-t", str(_THREADS), "-c", str(connections), "-d", f"{max(1, round(seconds))}s"),
                *("--timeout", "10s", "-s", str(files(__package__) / _SCRIPT)),
                f"http://{target.authority}",
                *("--", str(prefix), str(int(volley.cycle)), count_statuses, str(report)),
            ]
            done = subprocess.run(
                [_program(), *arguments], capture_output=True, text=True, check=False
            )
            if done.returncode != 0 or not report.exists():
                raise WrkFailedError(f"wrk: {done.stderr or done.stdout}")
            return _read(report, volley.expected)


def is_installed() -> bool:
    """Whether wrk is there."""
    return shutil.which("wrk") is not None


def _program() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise WrkFailedError("wrk is not installed")
    return found


def _read(report: Path, expected: int) -> Load:
    counts: Counter[str] = Counter()
    answers: Counter[int] = Counter()
    latencies_us: Counter[int] = Counter()
    for line in report.read_text().splitlines():
        name, value, *count = line.split()
        if name == "status":
            answers[int(value)] = int(count[0])
        elif name == "latency":
            latencies_us[int(value)] = int(count[0])
        else:
            counts[name] = int(value)
    if not answers:
        answers[expected] = counts["answered"] - counts["refused"]
        answers[0] = counts["refused"]  # of an unknown status from 400 on
    return Load(
        busy_s=counts["duration_us"] / 1_000_000,
        busy_answers=counts["answered"],
        sent=counts["sent"],
        answers=+answers,
        broken=counts["broken"],
        latencies_us=latencies_us,
    )
