"""A table that has grown: vouchers of other residents, stored before measuring again."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import text

from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.simulation.bench import data as bench_data
from coupon_service.simulation.bench.data import BenchData

# A big release, and few vouchers a head: what a season of a district looks like.
_RELEASE_SEATS = 200_000

_PEOPLE = text(
    """
    INSERT INTO residents (id, phone_sealed, phone_index, id_number_sealed, id_number_index,
                           born_on, area_code, verified_at)
    SELECT uuidv7(), sha256(('p' || n)::bytea), sha256(('q' || n)::bytea),
           sha256(('i' || n)::bytea), sha256(('j' || n)::bytea), DATE '1988-08-08', '110102', now()
    FROM generate_series(1, :count) AS n
    RETURNING id
    """
)
_VOUCHERS = text(
    """
    INSERT INTO vouchers (id, release_id, seat, resident_id, ordinal, claim_channel, device_hash,
                          claimed_at, valid_from, expires_at)
    SELECT uuidv7(), :release_id, person.seat, person.id, 1, 'online',
           substring(sha256(person.id::text::bytea) FROM 1 FOR 16),
           now() - interval '20 hours', now() - interval '20 hours', now() + interval '7 days'
    FROM unnest(CAST(:people AS uuid[])) WITH ORDINALITY AS person(id, seat)
    WHERE person.seat <= :count
    """
)


def fill(data: BenchData, *, vouchers: int, say: Callable[[int], None]) -> None:
    """Store so many vouchers, with every index kept; `say` is told how many there are so far."""
    people = _people(min(vouchers, _RELEASE_SEATS))
    stored = 0
    while stored < vouchers:
        count = min(_RELEASE_SEATS, vouchers - stored)
        with transaction(resources().sessions) as session:
            # Rows come in bulk here; no request ever runs as long.
            session.execute(text("SET LOCAL statement_timeout = 0"))
            release_id = bench_data.open_release(session, data, quantity=count)
            session.execute(_VOUCHERS, {"release_id": release_id, "people": people, "count": count})
        stored += count
        say(stored)
    _settle()


def _settle() -> None:
    """What autovacuum does in the course of a season; here it would do it while we measure."""
    engine = resources().engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM (ANALYZE) residents, vouchers"))
        connection.execute(text("RESET statement_timeout"))


def _people(count: int) -> list[UUID]:
    with transaction(resources().sessions) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        return list(session.scalars(_PEOPLE, {"count": count}))
