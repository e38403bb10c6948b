"""The servers of `make run`: real, private, and able to come back after a crash."""

import multiprocessing
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from sqlalchemy import create_engine, text

from coupon_service.embedded import EmbeddedPostgres, start_postgres, start_valkey
from coupon_service.embedded.place import account_for, forget, programs

pytestmark = pytest.mark.skipif(
    sys.platform == "linux" and not Path("/proc/self").exists(),
    reason="processes are found through /proc, which is not mounted",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers' account can enter, as root too."""
    path = Path(tempfile.mkdtemp(prefix="coupon-embedded-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder like a 0700 home: only its owner can enter."""
    path = Path(tempfile.mkdtemp(prefix="coupon-closed-"))
    yield path
    shutil.rmtree(path)


def _run(server: EmbeddedPostgres, *statements: str) -> list[object]:
    engine = create_engine(server.url)
    try:
        with engine.begin() as connection:
            for statement in statements[:-1]:
                connection.execute(text(statement))
            return list(connection.execute(text(statements[-1])).scalars())
    finally:
        engine.dispose()


def test_acknowledged_rows_survive_the_postmasters_sigkill(folder: Path) -> None:
    server = start_postgres(folder / "postgres")
    _run(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    server.kill()
    again = start_postgres(folder / "postgres")
    try:
        assert _run(again, "SELECT n FROM kept") == [7]
        assert again.url == server.url
    finally:
        again.stop()


def test_a_kill_leaves_no_backend(folder: Path) -> None:
    server = start_postgres(folder / "postgres", durable=False)
    backends = psutil.Process(server.pid).children()
    assert backends
    server.kill()
    assert [process for process in backends if process.is_running()] == []


def test_a_stale_pid_file_that_names_another_process_is_no_obstacle(folder: Path) -> None:
    server = start_postgres(folder / "postgres", durable=False)
    pid_file = server.data_dir / "postmaster.pid"
    server.kill()
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    again = start_postgres(folder / "postgres", durable=False)
    assert again.pid != os.getpid()
    again.stop()


def test_an_interrupted_initdb_is_begun_again(folder: Path) -> None:
    half = folder / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    start_postgres(folder / "postgres", durable=False).stop()
    assert not half.exists()


def test_the_services_role_is_no_superuser_and_may_make_test_databases(folder: Path) -> None:
    server = start_postgres(folder / "postgres", durable=False)
    rights = "SELECT rolsuper::text || rolcreatedb FROM pg_roles WHERE rolname = current_user"
    try:
        assert _run(server, rights) == ["falsetrue"]
    finally:
        server.stop()


def test_servers_listen_on_no_network_and_in_private_folders(folder: Path) -> None:
    postgres = start_postgres(folder / "postgres", durable=False)
    valkey = start_valkey(folder / "valkey")
    try:
        for server, place in ((postgres, postgres.socket_dir), (valkey, valkey.socket.parent)):
            assert psutil.Process(server.pid).net_connections("inet") == []
            assert stat.S_IMODE(place.stat().st_mode) == 0o700
    finally:
        valkey.stop()
        postgres.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")
def test_another_account_is_refused_even_at_the_socket(folder: Path) -> None:
    """The folder keeps others out; peer authentication would refuse them inside it too."""
    server = start_postgres(folder / "postgres", durable=False)
    owner = server.socket_dir.stat().st_uid
    try:
        assert "Permission denied" in _connect_as(4711, server.socket_dir)
        assert "Peer authentication failed" in _connect_as(owner, server.socket_dir)
        assert _connect_as(0, server.socket_dir) == "connected"
    finally:
        server.stop()


def _connect_as(uid: int, socket_dir: Path) -> str:
    """What another account hears when it connects to the service's database."""
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def connect() -> None:
        os.setuid(uid)
        try:
            psycopg.connect(host=str(socket_dir), user="coupon", dbname="coupon").close()
            answers.put("connected")
        except psycopg.OperationalError as refusal:
            answers.put(str(refusal))

    process = context.Process(target=connect)
    process.start()
    process.join()
    return str(answers.get())


def test_a_socket_path_too_long_for_the_system_is_moved(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True, mode=0o711)
    deep.parent.chmod(0o711)
    server = start_postgres(deep / "postgres", durable=False)
    valkey = start_valkey(deep / "valkey")
    try:
        assert not server.socket_dir.is_relative_to(folder)
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert _run(server, "SELECT 1") == [1]
    finally:
        valkey.stop()
        server.stop()
        forget(deep / "postgres")
        forget(deep / "valkey")
    assert not server.socket_dir.exists()


def test_data_under_a_closed_home_is_kept_and_can_be_forgotten(closed_folder: Path) -> None:
    """As root the data has to lie elsewhere, since PostgreSQL then runs as another account."""
    wanted = closed_folder / "postgres"
    server = start_postgres(wanted, durable=False)
    _run(server, "CREATE TABLE kept ()", "SELECT 1")
    server.stop()
    again = start_postgres(wanted, durable=False)
    assert _run(again, "SELECT count(*) FROM kept") == [0]
    again.stop()
    assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700
    assert again.data_dir.exists()
    forget(wanted)
    assert not again.data_dir.exists()
    assert not wanted.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another account")
def test_programs_under_a_closed_home_are_copied_with_their_libraries(
    closed_folder: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, mode in (("closed/bin/server", 0o700), ("closed.libs/libq.so", 0o600)):
        (closed_folder / name).parent.mkdir(parents=True, mode=0o700)
        (closed_folder / name).touch(mode)
    (closed_folder / "closed" / "__init__.py").touch()
    (closed_folder / "closed-1.0.dist-info").mkdir()
    (closed_folder / "closed-1.0.dist-info" / "METADATA").write_text("Name: closed\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(closed_folder)
    monkeypatch.setattr("coupon_service.embedded.place._ROOT_PROGRAMS", folder / "cache")
    account = account_for(folder / "server")
    first = programs("closed", "closed", ["bin"], account)
    assert first.is_relative_to(folder / "cache")
    assert stat.S_IMODE((first / "bin" / "server").stat().st_mode) == 0o755
    assert stat.S_IMODE((first.parent / "closed.libs" / "libq.so").stat().st_mode) == 0o644
    assert programs("closed", "closed", ["bin"], account) == first
    assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700


def test_a_second_start_on_data_in_use_waits_and_then_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coupon_service.embedded.postgres._OTHER_ENDS_WITHIN_S", 0.2)
    server = start_postgres(folder / "postgres", durable=False)
    try:
        with pytest.raises(Exception, match=f"pid {server.pid}.* already running"):
            start_postgres(folder / "postgres", durable=False)
        assert _run(server, "SELECT 1") == [1]
    finally:
        server.stop()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(folder: Path) -> None:
    with pytest.raises(Exception, match="unrecognized configuration parameter"):
        start_postgres(folder / "postgres", durable=False, settings={"no_such_setting": "1"})


def test_valkey_forgets_and_comes_back_at_the_same_address(folder: Path) -> None:
    first = start_valkey(folder / "valkey")
    redis.Redis.from_url(first.url).set("hint", "7")
    first.kill()
    second = start_valkey(folder / "valkey")
    try:
        assert second.url == first.url
        assert redis.Redis.from_url(second.url).get("hint") is None
    finally:
        second.stop()


def test_both_are_ready_within_two_seconds_when_their_data_exists(folder: Path) -> None:
    start_postgres(folder / "postgres").stop()
    began_s = time.monotonic()
    postgres = start_postgres(folder / "postgres")
    valkey = start_valkey(folder / "valkey")
    took_s = time.monotonic() - began_s
    valkey.stop()
    postgres.stop()
    assert took_s < 2
