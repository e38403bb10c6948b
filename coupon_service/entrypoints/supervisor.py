"""`coupon-service up`: a whole running service from one command, and nothing left when it ends.

Every part dies with this process, even when it is killed: see `embedded.children`.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console
from sqlalchemy.exc import OperationalError

from coupon_service.core.jobs import JobRegistry
from coupon_service.core.settings import Environment, Settings
from coupon_service.embedded import EmbeddedServerError, start_postgres, start_valkey
from coupon_service.embedded.errors import log_tail
from coupon_service.embedded.state import Running, hold, write_running
from coupon_service.entrypoints.migrate import upgrade
from coupon_service.entrypoints.modules import all_modules
from coupon_service.entrypoints.ports import base_url, free_port
from coupon_service.entrypoints.processes import Command, Part, R, start_command
from coupon_service.entrypoints.welcome import load_demo, welcome

_READY_WITHIN_S = 60.0
_POLL_S = 0.1
_LOG_BYTES_MAX = 10_000_000
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NotStartedError(Exception):
    """The service did not come up; the message says why."""


class _StopRequest(BaseException):
    """A stop signal arrived."""


def up(settings: Settings, *, demo: bool | None = None) -> int:
    """Run the whole service in the foreground until told to stop; returns the exit code.

    `demo` says whether an empty database gets the demo season; None: in development only.
    """
    console = Console(highlight=False, soft_wrap=True)
    with_demo = settings.env is Environment.DEVELOPMENT if demo is None else demo
    try:
        with hold(settings.state_dir):
            service = _Service(settings, console)
            try:
                _on_stop_signals(_request_stop)
                service.start(with_demo=with_demo)
                service.watch()
            finally:
                # A second signal does not wait: the kernel ends the parts when we are gone.
                _on_stop_signals(_leave_at_once)
                console.print("Stopping …")
                service.stop()
    except _StopRequest:
        console.print("Stopped. The data is kept.")
        return 0
    except (EmbeddedServerError, NotStartedError) as error:
        console.print(str(error), style="red", markup=False)
        return 1


class _Service:
    """The parts of one running service, in the order in which they were started."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._state_dir = settings.state_dir.absolute()
        self._parts: list[Part[Any]] = []
        self._env = dict(os.environ)

    def start(self, *, with_demo: bool) -> None:
        """Bring everything up, each after what it needs, and say where it is.

        Raises:
            EmbeddedServerError, NotStartedError: something did not start.
        """
        began_s = time.monotonic()
        database_url, redis_url = self._servers()
        with self._step("Schema"):
            try:
                upgrade(database_url)
            except OperationalError as error:
                raise NotStartedError(f"The database does not answer: {error.orig}") from None
        self._env |= {
            "COUPON_STATE_DIR": str(self._state_dir),
            "COUPON_DATABASE_URL": database_url,
            "COUPON_REDIS_URL": redis_url,
            "PROMETHEUS_MULTIPROC_DIR": str(self._emptied("metrics")),
        }
        known = self._settings.model_copy(
            update={"database_url": database_url, "redis_url": redis_url}
        )
        if with_demo:
            with self._step("Demo season"):
                load_demo(known)
        url = self._start_web()
        queues = JobRegistry(job for module in all_modules() for job in module.jobs).queues
        with self._step(f"Workers ({', '.join(queues)}) and ticker"):
            for queue in queues:
                self._start_command(f"worker-{queue}", "worker", queue)
            self._start_command("ticker", "ticker")
        write_running(self._state_dir, Running(os.getpid(), url, database_url, redis_url))
        if with_demo:
            self._say(welcome(known, url))
        self._say(f"Ready in {time.monotonic() - began_s:.1f} s: {url} (Ctrl-C stops it)")
        self._say(f"Logs and data: {self._state_dir}")

    def watch(self) -> NoReturn:
        """Start crashed parts again, until a signal arrives."""
        while True:
            for part in self._parts:
                if news := part.watch():
                    self._say(news)
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop in reverse order, so that nothing loses a server it still needs."""
        for part in reversed(self._parts):
            part.stop()

    def _servers(self) -> tuple[str, str]:
        """The addresses of PostgreSQL and Valkey; what the settings do not name is started."""
        database_url, redis_url = self._settings.database_url, self._settings.redis_url
        if database_url is None:
            with self._step("PostgreSQL"):
                postgres = self._started(
                    "PostgreSQL", lambda: start_postgres(self._state_dir / "postgres")
                )
            database_url = postgres.url
        if redis_url is None:
            with self._step("Valkey"):
                valkey = self._started("Valkey", lambda: start_valkey(self._state_dir / "valkey"))
            redis_url = valkey.url
        return database_url, redis_url

    def _start_web(self) -> str:
        """Start the web server on a port that is free; returns its address when it is ready."""
        host, wanted = self._settings.host, self._settings.port
        try:
            port = free_port(host, wanted)
        except OSError as error:
            raise NotStartedError(f"COUPON_HOST={host} cannot be listened on: {error}") from None
        if port != wanted:
            self._say(f"Port {wanted} is in use, so this service takes {port}.")
            self._say("COUPON_PORT chooses another.")
        self._env["COUPON_PORT"] = str(port)
        url = base_url(host, port)
        with self._step("Web"):
            web = self._start_command("web", "serve")
            deadline_s = time.monotonic() + _READY_WITHIN_S
            while not _is_ready(url):
                ended = web.process.poll() is not None
                if ended or time.monotonic() > deadline_s:
                    how = "ended" if ended else f"was not ready within {_READY_WITHIN_S:.0f} s"
                    raise NotStartedError(
                        f"The web server {how}. The end of {web.log}:\n{log_tail(web.log)}"
                    )
                time.sleep(_POLL_S)
        return url

    def _started(self, name: str, starter: Callable[[], R]) -> R:
        part = Part(name, starter)
        # Listed first: a signal may arrive while it starts.
        self._parts.append(part)
        part.start()
        return part.running

    def _start_command(self, name: str, *arguments: str) -> Command:
        script = Path(sys.executable).with_name("coupon-service")
        log = self._state_dir / f"{name}.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        argv = [sys.executable, str(script), *arguments]
        return self._started(name, lambda: start_command(argv, env=self._env, log=log))

    def _emptied(self, name: str) -> Path:
        directory = self._state_dir / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700)
        return directory

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began_s = time.monotonic()
        with self._console.status(f"{name} …"):
            yield
        self._say(f"  {name:<40} {time.monotonic() - began_s:5.1f} s")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False)


def _is_ready(url: str) -> bool:
    # Not through a proxy that the environment may name: this is our own machine.
    connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _on_stop_signals(handler: Callable[[int, FrameType | None], NoReturn]) -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, handler)


def _request_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _StopRequest


def _leave_at_once(_number: int, _frame: FrameType | None) -> NoReturn:
    os._exit(1)
