"""`coupon-service up` as a person runs it: real processes, real signals."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from coupon_service.embedded.state import reset, running_on

READY_WITHIN_S = 60
SECOND_START_WITHIN_S = 5.0
COMMAND = [sys.executable, str(Path(sys.executable).with_name("coupon-service")), "up", "--no-demo"]

pytestmark = pytest.mark.skipif(
    sys.platform == "linux" and not Path("/proc/self").exists(),
    reason="processes are found through /proc, which is not mounted",
)


@dataclass
class Service:
    """One `coupon-service up`."""

    process: subprocess.Popen[str]
    state_dir: Path
    said: str
    ready_s: float

    @property
    def url(self) -> str:
        running = running_on(self.state_dir)
        assert running is not None
        return running.url

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, *words: str) -> psutil.Process:
        """The direct child whose command line ends with these words, or names this program."""
        (found,) = (
            child
            for child in psutil.Process(self.process.pid).children()
            if tuple(child.cmdline()[-len(words) :]) == words or child.name() == words[0]
        )
        return found


Start = Callable[..., Service]


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with _state_dir() as path:
        yield path


@pytest.fixture
def start(state_dir: Path) -> Iterator[Start]:
    """Start a service on this test's state directory; whatever still runs at the end is stopped."""
    with ExitStack() as stack:
        yield lambda port=None: stack.enter_context(_service(state_dir, port))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service for all tests that leave it running and whole."""
    with _state_dir() as path, _service(path) as service:
        yield service


@contextmanager
def _state_dir() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="coupon-up-"))
    # As root the servers run as another account, which has to pass through.
    path.chmod(0o711)
    yield path
    reset(path)
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _service(state_dir: Path, port: int | None = None) -> Iterator[Service]:
    began_s = time.monotonic()
    process = subprocess.Popen(
        COMMAND,
        env=_environment(state_dir, port or _unused_port()),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = _read_until(process, "Ready in")
        yield Service(process, state_dir, said, time.monotonic() - began_s)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _environment(state_dir: Path, port: int) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COUPON_")}
    ours.pop("PROMETHEUS_MULTIPROC_DIR", None)
    return {**ours, "COUPON_STATE_DIR": str(state_dir), "COUPON_PORT": str(port)}


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without saying {words!r}:\n{said}")


def _is_ready(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz", timeout=5).status_code == HTTPStatus.OK
    return False


def _eventually(condition: Callable[[], bool], *, within_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def _left_of(state_dir: Path) -> list[psutil.Process]:
    """Processes that were given this state directory, found without knowing their parents."""
    marker = f"COUPON_STATE_DIR={state_dir}"
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if any(marker == f"{name}={value}" for name, value in process.environ().items()):
                left.append(process)
    return left


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_child_outlives_the_supervisor(
    start: Start, state_dir: Path, number: signal.Signals
) -> None:
    service = start()
    for _ in range(8):  # so that web workers hold connections and PostgreSQL has backends
        assert _is_ready(service.url)
    family = service.family()
    names = " ".join(child.name() for child in family)
    assert names.count("postgres") > 1
    assert "valkey-server" in names
    assert service.part("serve").children()
    service.process.send_signal(number)
    assert service.process.wait(60) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    assert _left_of(state_dir) == []
    assert running_on(state_dir) is None


def test_a_second_start_is_quick_and_finds_the_data(start: Start) -> None:
    first = start()
    running = running_on(first.state_dir)
    assert running is not None
    with psycopg.connect(running.database_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    first.process.kill()
    first.process.wait()
    second = start()
    with psycopg.connect(running.database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]
    # Other work on this machine stretches the time.
    others = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert second.ready_s < SECOND_START_WITHIN_S * others


def test_a_second_supervisor_on_the_same_state_says_where_the_first_is(service: Service) -> None:
    done = subprocess.run(
        COMMAND,
        env=_environment(service.state_dir, _unused_port()),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert f"already running on {service.state_dir} at {service.url}" in done.stdout
    assert _is_ready(service.url)


def test_a_port_in_use_is_named_and_another_one_taken(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        service = start(port=taken)
        assert f"Port {taken} is in use" in service.said
        assert not service.url.endswith(f":{taken}")
        assert _is_ready(service.url)


@pytest.mark.parametrize(
    "part", [("serve",), ("ticker",), ("worker", "maintenance"), ("postgres",), ("valkey-server",)]
)
def test_a_crashed_part_is_started_again(service: Service, part: tuple[str, ...]) -> None:
    first = service.part(*part)
    first.kill()
    _eventually(lambda: not first.is_running())

    def is_back() -> bool:
        with suppress(ValueError, psutil.Error):
            return service.part(*part).pid != first.pid and _is_ready(service.url)
        return False

    _eventually(is_back)


def test_a_killed_web_worker_is_replaced(service: Service) -> None:
    web = service.part("serve")
    victim = web.children()[0]
    victim.kill()
    _eventually(lambda: len(web.children()) == 2 and victim not in web.children())
    _eventually(lambda: _is_ready(service.url))


def test_a_tethered_service_ends_with_the_process_that_started_it(state_dir: Path) -> None:
    """`make run` is tethered: killing make must not leave a service behind."""
    holder = "import subprocess, sys; subprocess.run([*sys.argv[1:], '--tethered'])"
    process = subprocess.Popen(
        [sys.executable, "-c", holder, *COMMAND],
        env=_environment(state_dir, _unused_port()),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    _read_until(process, "Ready in")
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=30)
    process.stdout.close()
    assert alive == []


def test_another_command_finds_the_servers_of_a_running_service(service: Service) -> None:
    done = subprocess.run(
        [*COMMAND[:2], "migrate"],
        env=_environment(service.state_dir, 1),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


def test_wrong_settings_are_named_before_anything_is_started(state_dir: Path) -> None:
    done = subprocess.run(
        COMMAND,
        env=_environment(state_dir, _unused_port()) | {"COUPON_WEB_THREADS": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=READY_WITHIN_S,
    )
    assert done.returncode == 2
    assert "COUPON_WEB_THREADS" in done.stderr
    assert _left_of(state_dir) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"COUPON_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none"},
            ["The database does not answer", "refused"],
        ),
        ({"COUPON_HOST": "192.0.2.1"}, ["COUPON_HOST=192.0.2.1 cannot be listened on"]),
        (
            {"COUPON_REDIS_URL": "nonsense://"},
            ["The web server ended", "must specify one of the following schemes"],
        ),
        ({"COUPON_STATE_DIR": "/dev/null/state"}, ["The state directory cannot be used"]),
    ],
    ids=["database", "host", "redis", "state"],
)
def test_a_start_that_fails_says_why_and_leaves_nothing(
    state_dir: Path, wrong: dict[str, str], words: list[str]
) -> None:
    done = subprocess.run(
        COMMAND,
        env=_environment(state_dir, _unused_port()) | wrong,
        capture_output=True,
        text=True,
        check=False,
        timeout=READY_WITHIN_S,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for expected in words:
        assert expected in done.stdout
    assert _left_of(state_dir) == []
