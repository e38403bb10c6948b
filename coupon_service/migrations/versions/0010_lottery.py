"""Lottery: draws, entries, and the parts of the published file."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "lottery_draws",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="collecting", nullable=False),
        sa.Column("announcement", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("entries_close_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seed_available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "announced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entries_count", sa.BigInteger(), nullable=True),
        sa.Column("merkle_root", sa.LargeBinary(), nullable=True),
        sa.Column("block_roots", sa.LargeBinary(), nullable=True),
        sa.Column("typed_evidence", postgresql.JSONB(), nullable=True),
        sa.Column("typed_by_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed_by_id", sa.Uuid(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(), nullable=True),
        sa.Column("seed", sa.LargeBinary(), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_rank", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("winners_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("told_rank", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result_sha256", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_lottery_draws_quantity_positive")),
        sa.CheckConstraint(
            "entries_close_at < seed_available_at",
            name=op.f("ck_lottery_draws_seed_in_the_future"),
        ),
        sa.CheckConstraint(
            "closed_at < seed_available_at", name=op.f("ck_lottery_draws_closed_before_the_seed")
        ),
        sa.CheckConstraint(
            "(state IN ('closed', 'drawn', 'published')) = (merkle_root IS NOT NULL)",
            name=op.f("ck_lottery_draws_root_when_closed"),
        ),
        sa.CheckConstraint(
            "(state IN ('drawn', 'published')) = (seed IS NOT NULL)",
            name=op.f("ck_lottery_draws_seed_when_drawn"),
        ),
        sa.CheckConstraint(
            "(typed_evidence IS NULL) = (typed_by_id IS NULL)",
            name=op.f("ck_lottery_draws_typed_by_somebody"),
        ),
        sa.CheckConstraint(
            "winners_count <= quantity AND winners_count <= decided_rank",
            name=op.f("ck_lottery_draws_winners_bounded"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_lottery_draws_release_id")
        ),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_lottery_draws")),
    )
    op.create_table(
        "lottery_entries",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column(
            "entered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("entered_by_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("rank", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "octet_length(salt) = 16", name=op.f("ck_lottery_entries_salt_is_whole")
        ),
        sa.CheckConstraint(
            "rank IS NULL OR position IS NOT NULL",
            name=op.f("ck_lottery_entries_ranked_when_placed"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["lottery_draws.release_id"],
            name=op.f("fk_lottery_entries_release_id"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_lottery_entries_resident_id")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by_id"], ["residents.id"], name=op.f("fk_lottery_entries_entered_by_id")
        ),
        sa.PrimaryKeyConstraint("release_id", "resident_id", name=op.f("pk_lottery_entries")),
        sa.UniqueConstraint(
            "release_id", "position", name=op.f("uq_lottery_entries_release_id_position")
        ),
        sa.UniqueConstraint("release_id", "rank", name=op.f("uq_lottery_entries_release_id_rank")),
    )
    op.create_table(
        "lottery_result_parts",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("part >= 0", name=op.f("ck_lottery_result_parts_part_not_negative")),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["lottery_draws.release_id"],
            name=op.f("fk_lottery_result_parts_release_id"),
        ),
        sa.PrimaryKeyConstraint("release_id", "part", name=op.f("pk_lottery_result_parts")),
    )


def downgrade() -> None:
    op.drop_table("lottery_result_parts")
    op.drop_table("lottery_entries")
    op.drop_table("lottery_draws")
