"""Engine, sessions, and the one way to open a transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, DateTime, Engine, MetaData, Uuid, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from coupon_service.core.errors import UnavailableError

Sessions = sessionmaker[Session]
Hook = Callable[[], object]
T = TypeVar("T")

# How often work is tried that lost against other work of the database.
TRIES = 3

_ON_COMMIT = "on_commit"
_ON_ROLLBACK = "on_rollback"

# PostgreSQL classes of errors that say "not now" rather than "never": connection trouble,
# serialization and deadlock, resources exhausted, operator intervention, lock not available.
_TRANSIENT_CLASSES = ("08", "40", "53", "55", "57")
# The class of errors after which a transaction is certain to have been undone: it lost a deadlock,
# or could not be put in order with another one. Trying again is what helps.
_UNDONE = "40"


class Base(DeclarativeBase):
    """Every table of the service. Constraint names are predictable, so migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger(),
        datetime: DateTime(timezone=True),
        UUID: Uuid(),
    }


def make_engine(url: str, *, pool_size: int, timeout_s: float) -> Engine:
    """An engine whose waits are bounded: for a connection, for a lock, and for a statement."""
    timeout_ms = int(timeout_s * 1000)
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_use_lifo=True,
        # Errors are logged, and parameters may be personal data.
        hide_parameters=True,
        connect_args={
            "connect_timeout": max(2, int(timeout_s)),
            "application_name": "coupon-service",
            "options": f"-c lock_timeout={timeout_ms} -c statement_timeout={timeout_ms * 4}"
            " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    )


def make_sessions(engine: Engine, *, jobs: object) -> Sessions:
    """Sessions that keep loaded values after commit, so that a view can be rendered from them.

    `jobs` is the job registry, which `emit` finds in `session.info`.
    """
    return sessionmaker(engine, expire_on_commit=False, info={"jobs": jobs})


@contextmanager
def transaction(sessions: Sessions) -> Iterator[Session]:
    """Open a transaction at the edge: returning commits it, raising undoes it.

    Raises:
        UnavailableError: the database could not be reached, was too busy, or went away; if that
            happened during COMMIT the outcome is unknown, and asking again resolves it.
    """
    session = sessions()
    try:
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
    except (OperationalError, PoolTimeoutError, DBAPIError) as error:
        _run(session, _ON_ROLLBACK)
        if is_transient(error):
            raise UnavailableError from error
        raise
    except BaseException:
        _run(session, _ON_ROLLBACK)
        raise
    else:
        _run(session, _ON_COMMIT)
    finally:
        session.close()


def in_transaction(sessions: Sessions, work: Callable[[Session], T]) -> T:
    """Do the work in a transaction, and again if the database undid it for the sake of another.

    `work` must not mind being done again: what it did in the database is gone by then.

    Raises:
        UnavailableError: as `transaction`; or it lost against others `TRIES` times.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            with transaction(sessions) as session:
                return work(session)
        except UnavailableError as error:
            if not (tries_left and _is_undone(error)):
                raise
    raise AssertionError("the last try returns or raises")


def as_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows for `json_to_recordset` in a statement, which so is the same for any number of them.

    An array for each column would take the driver several times as long. UUIDs and aware datetimes
    become text; bytes have to come as hexadecimal.
    """
    return orjson.dumps(list(rows)).decode()


def on_commit(session: Session, hook: Hook) -> None:
    """Run `hook` once the transaction is durable."""
    session.info.setdefault(_ON_COMMIT, []).append(hook)


def on_rollback(session: Session, hook: Hook) -> None:
    """Run `hook` if the transaction is undone: what was taken outside the database goes back."""
    session.info.setdefault(_ON_ROLLBACK, []).append(hook)


def is_transient(error: Exception) -> bool:
    """Whether trying again later may succeed."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    sqlstate: Any = getattr(error.orig, "sqlstate", None)
    # A connection that never came to be has no SQLSTATE.
    return (
        isinstance(error, OperationalError)
        if sqlstate is None
        else sqlstate[:2] in _TRANSIENT_CLASSES
    )


def _is_undone(error: UnavailableError) -> bool:
    cause = error.__cause__
    sqlstate = getattr(cause.orig, "sqlstate", None) if isinstance(cause, DBAPIError) else None
    return sqlstate is not None and sqlstate.startswith(_UNDONE)


def _run(session: Session, kind: str) -> None:
    for hook in session.info.pop(kind, []):
        hook()
