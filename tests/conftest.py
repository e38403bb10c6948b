"""Real servers: a PostgreSQL and a Valkey per test process, and a fresh database per test."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from redis import Redis
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources, resources
from coupon_service.core.settings import Settings, load_settings
from coupon_service.embedded import start_postgres, start_valkey
from coupon_service.entrypoints.app import create_app
from coupon_service.entrypoints.migrate import upgrade

TEST_SECRET = "test-secret-of-more-than-thirty-two-characters"

# Counters of every process of the test session; the library insists on a directory.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="coupon-metrics-")
    atexit.register(shutil.rmtree, os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


@dataclass(frozen=True)
class Servers:
    admin_url: str
    template: str
    redis_url: str
    admin: Connection


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """This process's own PostgreSQL, with a migrated template database, and its own Valkey."""
    root = Path(tempfile.mkdtemp(prefix="coupon-test-"))
    # As root the servers run as another account, which has to pass through.
    root.chmod(0o711)
    # A database that autovacuum is visiting cannot be dropped by its owner.
    # And its files are copied by the kernel.
    tuned = {"autovacuum": "off", "file_copy_method": "clone"}
    postgres = start_postgres(root / "postgres", durable=False, settings=tuned)
    valkey = start_valkey(root / "valkey")
    try:
        template = make_url(postgres.url).set(database="template_migrated")
        engine = create_engine(postgres.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as admin:
            admin.execute(text("CREATE DATABASE template_migrated"))
            upgrade(template.render_as_string(hide_password=False))
            yield Servers(postgres.url, "template_migrated", valkey.url, admin)
        engine.dispose()
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def fresh_database(servers: Servers) -> Iterator[str]:
    """The address of a migrated database with nothing in it."""
    name = f"test_{uuid4().hex}"
    servers.admin.execute(
        text(f"CREATE DATABASE {name} TEMPLATE {servers.template} STRATEGY file_copy")
    )
    yield make_url(servers.admin_url).set(database=name).render_as_string(hide_password=False)
    servers.admin.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """A fresh, migrated database of this test's own."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture
def settings(database_url: str, servers: Servers, tmp_path: Path) -> Settings:
    """Settings of a test service; Valkey is emptied first."""
    return settings_for(database_url, servers, tmp_path)


def settings_for(database_url: str, servers: Servers, state_dir: Path) -> Settings:
    Redis.from_url(servers.redis_url).flushall()
    return load_settings(
        env="test",
        database_url=database_url,
        redis_url=servers.redis_url,
        secret_key=TEST_SECRET,
        state_dir=state_dir,
        rate_limits_enabled=False,
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[OpenAPI]:
    """The whole application, with its context pushed."""
    with running(settings) as app:
        yield app


@contextmanager
def running(settings: Settings) -> Iterator[OpenAPI]:
    app = create_app(settings)
    with app.app_context():
        yield app
        resources().engine.dispose()


@pytest.fixture(scope="module")
def shared_app(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAPI]:
    """One application for a file whose tests have seasons and districts of their own.

    Such a file says so by a fixture `app` of its scope that returns this one.
    """
    with fresh_database(servers) as url:
        settings = settings_for(url, servers, tmp_path_factory.mktemp("state"))
        with running(settings) as app:
            yield app


@pytest.fixture
def held(app: OpenAPI) -> Resources:
    return resources()


@pytest.fixture
def client(app: OpenAPI) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def session(held: Resources) -> Iterator[Session]:
    """One open transaction, committed at the end of the test unless it failed."""
    with transaction(held.sessions) as session:
        yield session
