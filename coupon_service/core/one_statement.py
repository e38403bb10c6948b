"""Reads of a single statement, for the pages that are asked for most.

A statement alone is its own transaction. So there is no BEGIN and no COMMIT around it: one trip to
the database instead of three, and rows as the driver gives them.
"""

from typing import Any, cast

import psycopg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from coupon_service.core.db import is_transient
from coupon_service.core.errors import UnavailableError
from coupon_service.core.resources import resources


class OneStatement:
    """A read, put together once, without `IN`.

    Its parameters are of types that the driver knows by itself: ids, numbers, plain texts.
    """

    def __init__(self, statement: Select[Any]) -> None:
        compiled = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
        self._sql = str(compiled).encode()
        self._constants = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def rows(self, **values: object) -> list[tuple[Any, ...]]:
        """What the database has at this moment.

        Raises:
            UnavailableError: the database could not be reached, was too busy, or went away.
        """
        try:
            pooled = resources().engine.raw_connection()
            try:
                return self._read(cast(psycopg.Connection, pooled.driver_connection), values)
            finally:
                pooled.close()  # the pool looks whether the connection is still good
        except psycopg.OperationalError as error:
            raise UnavailableError from error
        except (DBAPIError, PoolTimeoutError) as error:
            if is_transient(error):
                raise UnavailableError from error
            raise

    def _read(
        self, connection: psycopg.Connection, values: dict[str, object]
    ) -> list[tuple[Any, ...]]:
        connection.autocommit = True
        try:
            return connection.execute(self._sql, self._constants | values).fetchall()
        finally:
            if not connection.closed:
                connection.autocommit = False
