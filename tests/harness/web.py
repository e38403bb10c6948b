"""A real web server over a test's database, and bursts of requests at it."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import UUID

import httpx
from flask import Response
from flask_openapi3 import OpenAPI

from coupon_service.core.auth import Kind, Principal, write_cookie
from coupon_service.core.ids import new_id
from coupon_service.core.settings import Settings

READY_WITHIN_S = 60.0
T = TypeVar("T")


@dataclass(frozen=True)
class Served:
    """A web server that runs: its address, and its main process, whose children answer."""

    url: str
    pid: int


@contextmanager
def web_server(settings: Settings, **overrides: object) -> Iterator[str]:
    """Run `coupon-service serve` over these settings; yields its address."""
    environ = dict(os.environ)
    environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    command = [str(Path(sys.executable).parent / "coupon-service"), "serve"]
    with _running(command, environ, settings, overrides) as served:
        yield served.url


@contextmanager
def web_server_to_kill(settings: Settings, **overrides: object) -> Iterator[Served]:
    """The same, with the modules read before it forks: a killed worker is replaced at once."""
    serve = "import sys, coupon_service.entrypoints.app, coupon_service.entrypoints.cli as cli;"
    command = [sys.executable, "-c", f"{serve}sys.argv = ['coupon-service', 'serve'];cli.main()"]
    with TemporaryDirectory() as metrics:
        environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": metrics}
        with _running(command, environ, settings, overrides) as served:
            yield served


@contextmanager
def _running(
    command: Sequence[str],
    environ: Mapping[str, str],
    settings: Settings,
    overrides: Mapping[str, object],
) -> Iterator[Served]:
    port = _free_port()
    server = subprocess.Popen(
        command,
        env={**environ, **environment(settings, port=port, **overrides)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, server)
        yield Served(url, server.pid)
    finally:
        server.terminate()
        server.wait(timeout=20)


def environment(settings: Settings, **overrides: object) -> dict[str, str]:
    """The `COUPON_*` variables that make these settings."""
    values = settings.model_dump() | overrides
    values["secret_key"] = settings.secret_key.get_secret_value()
    return {
        f"COUPON_{name.upper()}": str(value) for name, value in values.items() if value is not None
    }


def resident_cookie(app: OpenAPI, resident_id: UUID) -> str:
    """The `Cookie` header of a resident who has signed in and confirmed a real name."""
    response = Response()
    with app.test_request_context():
        write_cookie(response, Principal(Kind.RESIDENT, resident_id, verified=True), new_id())
    return response.headers["Set-Cookie"].partition(";")[0]


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """Call `act(0) … act(count - 1)`, each in a thread of its own, all released together.

    The first exception of any of them is raised here.
    """
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = act(index)
        except Exception as error:  # noqa: BLE001  # raised again below
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def claim_path(release_id: UUID, *, ordinal: int = 1) -> str:
    """Where a resident's claim of a release is put."""
    return f"/api/v1/releases/{release_id}/claims/{ordinal}"


def claim_burst(url: str, release_id: UUID, cookies: Sequence[str]) -> list[httpx.Response]:
    """One claim with each of the cookies, all at once."""

    limits = httpx.Limits(max_connections=len(cookies))
    with httpx.Client(base_url=url, timeout=60, limits=limits) as client:

        def act(index: int) -> httpx.Response:
            return client.put(claim_path(release_id), headers={"Cookie": cookies[index]})

        return at_once(len(cookies), act)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        assert server.poll() is None, "the web server ended before it was ready"
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the web server was not ready in time")
