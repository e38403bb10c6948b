"""Brings a database to the current schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from coupon_service import migrations
from coupon_service.entrypoints.models import metadata


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration; there is no ini file to keep in step."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["database_url"] = database_url
    config.attributes["metadata"] = metadata
    return config


def upgrade(database_url: str) -> None:
    """Apply what is missing. Several may start at once: one migrates, the others wait for it."""
    command.upgrade(alembic_config(database_url), "head")


def print_sql(database_url: str) -> None:
    """Write the whole schema's SQL to standard output, for review and for the migrations lint."""
    command.upgrade(alembic_config(database_url), "head", sql=True)
