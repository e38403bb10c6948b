"""What docker-compose.yml, the Dockerfile and .env.example say is true of this code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from coupon_service.core.jobs import JobRegistry
from coupon_service.core.settings import Settings, SettingsError, load_settings
from coupon_service.entrypoints.cli import main
from coupon_service.entrypoints.modules import all_modules

ROOT = Path(__file__).parents[2]
SETTINGS = {f"COUPON_{name}".upper() for name in Settings.model_fields}
OWN_SERVICES = {"migrate", "web", "ticker"}


@pytest.fixture
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def _own(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: service
        for name, service in compose["services"].items()
        if service.get("image") == "coupon-service"
    }


def test_every_container_runs_a_command_that_exists(compose: dict[str, Any]) -> None:
    for name, service in _own(compose).items():
        program, command, *rest = service["command"]
        assert program == "coupon-service"
        assert command in main.commands, name
        takes_arguments = bool(main.commands[command].params) and command == "worker"
        assert bool(rest) == takes_arguments, name


def test_every_queue_has_a_container_that_works_it(compose: dict[str, Any]) -> None:
    queues = JobRegistry(job for module in all_modules() for job in module.jobs).queues
    worked = [
        service["command"][2]
        for service in _own(compose).values()
        if service["command"][1] == "worker"
    ]
    assert sorted(worked) == queues
    assert set(_own(compose)) == OWN_SERVICES | {f"worker-{queue}" for queue in queues}


def test_no_container_runs_as_root(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        if service.get("image") != "coupon-service":
            assert service["user"] in ("postgres", "valkey")
    users = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["coupon"]


def test_what_others_wait_for_has_a_health_check(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for needed, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][needed]
    assert "healthcheck" in compose["services"]["web"]


def test_data_lives_in_a_volume(compose: dict[str, Any]) -> None:
    assert compose["services"]["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert "postgres" in compose["volumes"]


@pytest.mark.parametrize("name", ["docker-compose.yml", "Dockerfile", ".env.example"])
def test_every_variable_named_is_a_setting(name: str) -> None:
    named = set(re.findall(r"\bCOUPON_[A-Z0-9_]+", (ROOT / name).read_text()))
    assert named <= SETTINGS


def test_every_setting_is_explained_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^(?:# )?(COUPON_[A-Z0-9_]+)=", example, re.MULTILINE)) == SETTINGS


def test_the_example_as_it_stands_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in (ROOT / ".env.example").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            monkeypatch.setenv(*line.split("=", 1))
    with pytest.raises(SettingsError) as refusal:
        load_settings(database_url="postgresql+psycopg://x", redis_url="redis://x")
    assert "COUPON_SECRET_KEY" in str(refusal.value)
    assert "COUPON_METRICS_TOKEN" in str(refusal.value)


def test_the_image_is_built_from_files_that_exist() -> None:
    admitted = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert [name for name in admitted if not (ROOT / name).exists()] == []
