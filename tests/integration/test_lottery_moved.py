"""Lotteries of a former version: migration 0015 keeps every position, rank and refusal."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from coupon_service.entrypoints.migrate import alembic_config
from tests.conftest import Servers

ENTRIES = 1_500

_DRAW = text(
    """
    INSERT INTO lottery_draws (release_id, state, announcement, quantity, entries_close_at,
                               seed_available_at, merkle_root, block_roots, seed)
    VALUES (gen_random_uuid(), :state, '{}', 9, now(), now() + interval '1 hour',
            CASE WHEN :state <> 'collecting' THEN sha256('root') END, '',
            CASE WHEN :state = 'drawn' THEN sha256('seed') END)
    """
)
_ENTRIES = text(
    """
    INSERT INTO lottery_entries (release_id, resident_id, id, salt)
    SELECT release_id, gen_random_uuid(), gen_random_uuid(), uuid_send(gen_random_uuid())
    FROM lottery_draws, generate_series(1, :count)
    """
)
_PLACE = text(
    """
    UPDATE lottery_entries entry SET position = placed.position,
           rank = CASE WHEN state = 'drawn' THEN :count - placed.position END,
           refusal = CASE WHEN state = 'drawn' AND placed.position = 7 THEN 'too-young' END
    FROM (
        SELECT resident_id, state, row_number() OVER (PARTITION BY release_id ORDER BY
                   sha256(decode('00', 'hex') || salt || uuid_send(id))) - 1 AS position
        FROM lottery_entries JOIN lottery_draws USING (release_id) WHERE state <> 'collecting'
    ) AS placed
    WHERE entry.resident_id = placed.resident_id
    """
)
_FORMER = text("SELECT resident_id, position, rank, refusal FROM lottery_entries ORDER BY 1")
_PRESENT = text(
    """
    SELECT resident_id,
           CASE WHEN draw.block_firsts IS NOT NULL THEN
               row_number() OVER (PARTITION BY release_id ORDER BY leaf) - 1 END AS position,
           drawn.rank, drawn.refusal
    FROM lottery_entries JOIN lottery_draws draw USING (release_id)
    LEFT JOIN lottery_ranks drawn USING (release_id, resident_id) ORDER BY 1
    """
)
_FIRSTS = text(
    """
    SELECT release_id, string_agg(leaf, '' ORDER BY leaf) FROM (
        SELECT release_id, leaf, row_number() OVER (PARTITION BY release_id ORDER BY leaf) AS number
        FROM lottery_entries JOIN lottery_draws USING (release_id) WHERE state <> 'collecting'
    ) AS numbered WHERE number IN (1, 1025) GROUP BY release_id ORDER BY 1
    """
)
_KEPT_FIRSTS = text(
    "SELECT release_id, block_firsts FROM lottery_draws WHERE state <> 'collecting' ORDER BY 1"
)


@pytest.fixture
def former_url(servers: Servers) -> Iterator[str]:
    """A database of the version before, with a draw that collects, one closed and one drawn."""
    name = f"former_{uuid4().hex}"
    url = make_url(servers.admin_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(_plain(servers.admin_url), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        command.upgrade(alembic_config(url), "0014")
        with _connected(url) as connection:
            # Whose entries these are, and of which release, plays no part.
            for table, column in (("draws", "release_id"), ("entries", "resident_id")):
                connection.execute(
                    text(f"ALTER TABLE lottery_{table} DROP CONSTRAINT fk_lottery_{table}_{column}")
                )
            for state in ("collecting", "closed", "drawn"):
                connection.execute(_DRAW, {"state": state})
            connection.execute(_ENTRIES, {"count": ENTRIES})
            connection.execute(_PLACE, {"count": ENTRIES})
            connection.commit()
        yield url
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_every_position_rank_and_refusal_is_kept_and_comes_back(former_url: str) -> None:
    config = alembic_config(former_url)
    with _connected(former_url) as connection:
        former = connection.execute(_FORMER).all()
    assert len(former) == 3 * ENTRIES
    assert sum(row.rank is not None for row in former) == ENTRIES
    assert [row.refusal for row in former if row.refusal] == ["too-young"]
    command.upgrade(config, "0015")
    with _connected(former_url) as connection:
        assert connection.execute(_PRESENT).all() == former
        firsts = connection.execute(_FIRSTS).all()
        assert connection.execute(_KEPT_FIRSTS).all() == firsts
        assert [len(joined) for _, joined in firsts] == [64, 64]
    command.downgrade(config, "0014")
    with _connected(former_url) as connection:
        assert connection.execute(_FORMER).all() == former


def _plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)


def _connected(url: str) -> Connection:
    return create_engine(url, poolclass=NullPool).connect()
