"""The state directory: one holder at a time, and a reset that touches only what is ours."""

from pathlib import Path

import pytest

from coupon_service.embedded.state import (
    HeldError,
    Running,
    hold,
    reset,
    running_on,
    write_running,
)

RUNNING = Running(pid=7, url="http://127.0.0.1:8000", database_url="x", redis_url="y")


def test_only_one_holds_a_state_directory(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with hold(state):
        with pytest.raises(HeldError) as first, hold(state):
            pass
        write_running(state, RUNNING)
        with pytest.raises(HeldError) as second, hold(state):
            pass
    assert first.value.running is None
    assert second.value.running == RUNNING
    assert RUNNING.url in str(second.value)


def test_what_ran_is_forgotten_when_its_holder_ends(tmp_path: Path) -> None:
    assert running_on(tmp_path) is None
    with hold(tmp_path):
        write_running(tmp_path, RUNNING)
        assert running_on(tmp_path) == RUNNING
    assert running_on(tmp_path) is None


def test_the_addresses_of_the_servers_are_for_the_owner_only(tmp_path: Path) -> None:
    with hold(tmp_path):
        write_running(tmp_path, RUNNING)
        assert (tmp_path / "running.json").stat().st_mode & 0o077 == 0


def test_a_reset_removes_what_the_service_made(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with hold(state):
        (state / "web.log").touch()
        (state / "metrics").mkdir()
        (state / "postgres" / "data").mkdir(parents=True)
    reset(state)
    assert not state.exists()
    reset(state)


def test_a_reset_of_the_wrong_directory_leaves_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").touch()
    reset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]


def test_a_reset_waits_for_nobody(tmp_path: Path) -> None:
    with hold(tmp_path), pytest.raises(HeldError):
        reset(tmp_path)
