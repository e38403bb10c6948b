"""Alembic's environment: one transaction per migration, bounded waits, one migrator at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

# Any number will do; all migrators must agree on it.
MIGRATION_LOCK = 7_110_102
# A migration that cannot get its lock gives up instead of queueing everybody behind it.
WAITS = "SET lock_timeout = '5s'; SET statement_timeout = '15min'"


def run() -> None:
    url = context.config.attributes["database_url"]
    metadata = context.config.attributes["metadata"]
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
        with context.begin_transaction():
            context.execute(WAITS)
            context.run_migrations()
        return
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        connection.execute(text(WAITS))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            transaction_per_migration=True,
            include_object=context.config.attributes.get("include_object"),
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
