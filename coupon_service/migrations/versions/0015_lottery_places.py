"""Where the entries of a lottery stand, apart from the entries.

An entry is written once. Its leaf is a column with an index in the order of the leaves, so that its
position need not be stored; its rank moves to a table of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    # Rewrites the table, under its lock: some seconds for a million entries.
    op.execute(
        "-- squawk-ignore adding-field-with-default, adding-not-nullable-field\n"
        "ALTER TABLE lottery_entries ADD COLUMN leaf BYTEA NOT NULL"
        r" GENERATED ALWAYS AS (sha256('\x00'::bytea || salt || uuid_send(id))) STORED"
    )
    op.execute(
        "-- squawk-ignore disallowed-unique-constraint\n"
        "ALTER TABLE lottery_entries"
        " ADD CONSTRAINT uq_lottery_entries_release_id_leaf UNIQUE (release_id, leaf)"
    )
    op.add_column("lottery_draws", sa.Column("block_firsts", sa.LargeBinary(), nullable=True))
    op.execute(
        """
        UPDATE lottery_draws draw SET block_firsts = coalesce(
            (SELECT string_agg(entry.leaf, '' ORDER BY entry.position)
             FROM lottery_entries entry
             WHERE entry.release_id = draw.release_id AND entry.position % 1024 = 0), '')
        WHERE draw.merkle_root IS NOT NULL
        """
    )
    op.create_table(
        "lottery_ranks",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_lottery_ranks_rank_positive")),
        sa.ForeignKeyConstraint(
            ["release_id", "resident_id"],
            ["lottery_entries.release_id", "lottery_entries.resident_id"],
            name=op.f("fk_lottery_ranks_release_id_resident_id"),
        ),
        sa.PrimaryKeyConstraint("release_id", "resident_id", name=op.f("pk_lottery_ranks")),
        sa.UniqueConstraint("release_id", "rank", name=op.f("uq_lottery_ranks_release_id_rank")),
    )
    op.execute(
        """
        INSERT INTO lottery_ranks (release_id, resident_id, rank, refusal)
        SELECT release_id, resident_id, rank, refusal FROM lottery_entries
        WHERE rank IS NOT NULL ORDER BY release_id, resident_id
        """
    )
    # Constraints on these columns go with them.
    for column in ("rank", "refusal", "position"):
        op.execute(
            f"-- squawk-ignore ban-drop-column\nALTER TABLE lottery_entries DROP COLUMN {column}"
        )


def downgrade() -> None:
    for column, kind in (("position", sa.BigInteger()), ("rank", sa.BigInteger())):
        op.add_column("lottery_entries", sa.Column(column, kind, nullable=True))
    op.add_column("lottery_entries", sa.Column("refusal", sa.Text(), nullable=True))
    op.execute(
        """
        UPDATE lottery_entries entry SET position = placed.position
        FROM (
            SELECT entry.release_id, entry.resident_id,
                   row_number() OVER (PARTITION BY entry.release_id ORDER BY entry.leaf) - 1
                       AS position
            FROM lottery_entries entry JOIN lottery_draws draw USING (release_id)
            WHERE draw.merkle_root IS NOT NULL
        ) AS placed
        WHERE entry.release_id = placed.release_id AND entry.resident_id = placed.resident_id
        """
    )
    op.execute(
        """
        UPDATE lottery_entries entry SET rank = drawn.rank, refusal = drawn.refusal
        FROM lottery_ranks drawn
        WHERE entry.release_id = drawn.release_id AND entry.resident_id = drawn.resident_id
        """
    )
    op.drop_table("lottery_ranks")
    for column in ("position", "rank"):
        op.create_unique_constraint(
            op.f(f"uq_lottery_entries_release_id_{column}"),
            "lottery_entries",
            ["release_id", column],
        )
    op.create_check_constraint(
        op.f("ck_lottery_entries_ranked_when_placed"),
        "lottery_entries",
        "rank IS NULL OR position IS NOT NULL",
    )
    op.drop_column("lottery_draws", "block_firsts")
    op.drop_column("lottery_entries", "leaf")
