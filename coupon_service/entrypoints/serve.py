"""The web server: granian's WSGI side with several workers and threads."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import mp as granian_workers

from coupon_service.core.settings import Settings
from coupon_service.embedded.children import die_with_parent
from coupon_service.entrypoints.body_deadline import ANSWER

_TARGET = "coupon_service.entrypoints.wsgi:app"
_METRICS = "PROMETHEUS_MULTIPROC_DIR"
# From a worker to the main process, which granian itself does not use it in.
_CANNOT_LOAD = signal.SIGUSR1
# By this name the server makes what calls an application for it.
_MAKE_CALLER = "_wsgi_call_wrap"
_HEADERS_WITHIN_MS = 10_000
_STOP_WITHIN_S = 10
_RESPAWN_AFTER_S = 0.1


def serve(settings: Settings, *, target: str = _TARGET) -> None:
    """Serve until SIGTERM or SIGINT; a worker that dies is replaced, and none outlives us.

    Exits with 1 if the application cannot be made.
    """
    _share_metrics(settings)
    broken = False

    def stop_as_broken(*_: object) -> None:
        nonlocal broken
        broken = True
        signal.raise_signal(signal.SIGTERM)

    signal.signal(_CANNOT_LOAD, stop_as_broken)
    Granian(
        target,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADERS_WITHIN_MS),
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=_RESPAWN_AFTER_S,
        workers_kill_timeout=_STOP_WITHIN_S,
    ).serve(target_loader=partial(_load, os.getpid()))
    if broken:
        sys.exit(1)


def _load(main_pid: int, target: str) -> Callable[..., Any]:
    """Called in each worker. An application that cannot be made would be tried for ever."""
    die_with_parent(main_pid)
    module, _, name = target.partition(":")
    try:
        _offer_answer()
        app: Callable[..., Any] = getattr(import_module(module), name)
    except BaseException:
        os.kill(main_pid, _CANNOT_LOAD)
        raise
    return app


def _offer_answer() -> None:
    """Put the server's own way to answer a request into its environment.

    The server has no public place for that; without this name there, no worker starts.
    """
    make_caller = getattr(granian_workers, _MAKE_CALLER)

    def make(*args: Any) -> Callable[[Any, dict[str, Any]], Any]:
        call = make_caller(*args)

        def call_offering(protocol: Any, scope: dict[str, Any]) -> Any:
            scope[ANSWER] = protocol.response_iter
            return call(protocol, scope)

        return call_offering

    setattr(granian_workers, _MAKE_CALLER, make)


def _share_metrics(settings: Settings) -> None:
    """Give the workers a directory in which their metrics are summed, unless one is set.

    The client library reads the variable when it is first imported, which has happened by now, so
    this process starts anew.
    """
    if _METRICS in os.environ:
        return
    directory = settings.state_dir.absolute() / f"metrics-{settings.port}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ[_METRICS] = str(directory)
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  # ourselves
