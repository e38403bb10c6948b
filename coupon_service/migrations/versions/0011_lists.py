"""Lists of residents and staff-assisted claims."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "resident_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="importing", nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("next_byte", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_line", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("line_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("member_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fault_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "touched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "next_byte BETWEEN 0 AND file_bytes",
            name=op.f("ck_resident_lists_progress_within_file"),
        ),
        sa.CheckConstraint(
            "line_count = member_count + fault_count",
            name=op.f("ck_resident_lists_lines_accounted_for"),
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_resident_lists_season_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident_lists")),
    )
    op.create_index(
        op.f("ix_resident_lists_season_id"), "resident_lists", ["season_id"], unique=False
    )
    op.create_table(
        "resident_list_chunks",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["resident_lists.id"], name=op.f("fk_resident_list_chunks_list_id")
        ),
        sa.PrimaryKeyConstraint("list_id", "number", name=op.f("pk_resident_list_chunks")),
    )
    op.create_table(
        "resident_list_members",
        sa.Column("person_index", sa.LargeBinary(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["resident_lists.id"], name=op.f("fk_resident_list_members_list_id")
        ),
        sa.PrimaryKeyConstraint("person_index", "list_id", name=op.f("pk_resident_list_members")),
        sa.UniqueConstraint(
            "list_id", "line_no", name=op.f("uq_resident_list_members_list_id_line_no")
        ),
    )
    op.create_table(
        "resident_list_faults",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("same_as_line", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(fault = 'duplicate') = (same_as_line IS NOT NULL)",
            name=op.f("ck_resident_list_faults_same_as_which"),
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["resident_lists.id"], name=op.f("fk_resident_list_faults_list_id")
        ),
        sa.PrimaryKeyConstraint("list_id", "line_no", name=op.f("pk_resident_list_faults")),
    )
    op.create_table(
        "grants",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("next_line", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("granted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("waiting", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=True),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "touched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_grants_done_when")
        ),
        sa.ForeignKeyConstraint(["list_id"], ["resident_lists.id"], name=op.f("fk_grants_list_id")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_grants_release_id")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_list_id"), "grants", ["list_id"], unique=False)
    op.create_table(
        "grant_outcomes",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(outcome = 'granted') = (voucher_id IS NOT NULL)",
            name=op.f("ck_grant_outcomes_granted_which"),
        ),
        sa.CheckConstraint(
            "(outcome = 'refused') = (slug IS NOT NULL)",
            name=op.f("ck_grant_outcomes_refused_why"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["grants.release_id"], name=op.f("fk_grant_outcomes_release_id")
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name=op.f("fk_grant_outcomes_voucher_id")
        ),
        sa.PrimaryKeyConstraint("release_id", "line_no", name=op.f("pk_grant_outcomes")),
    )
    op.create_index(
        "ix_grant_outcomes_waiting",
        "grant_outcomes",
        ["release_id", "line_no"],
        unique=False,
        postgresql_where=sa.text("outcome = 'waiting'"),
    )
    op.create_table(
        "counter_visits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("district_id", sa.Uuid(), nullable=False),
        sa.Column("official_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column(
            "began_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("began_at < ends_at", name=op.f("ck_counter_visits_has_length")),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("fk_counter_visits_district_id")
        ),
        sa.ForeignKeyConstraint(
            ["official_id"], ["officials.id"], name=op.f("fk_counter_visits_official_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_counter_visits_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_visits")),
    )
    op.create_index(
        op.f("ix_counter_visits_resident_id"), "counter_visits", ["resident_id"], unique=False
    )
    op.create_table(
        "counter_days",
        sa.Column("official_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("visits", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claims", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "visits >= 0 AND claims >= 0", name=op.f("ck_counter_days_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["official_id"], ["officials.id"], name=op.f("fk_counter_days_official_id")
        ),
        sa.PrimaryKeyConstraint("official_id", "day", name=op.f("pk_counter_days")),
    )


def downgrade() -> None:
    for table in (
        "counter_days",
        "counter_visits",
        "grant_outcomes",
        "grants",
        "resident_list_faults",
        "resident_list_members",
        "resident_list_chunks",
        "resident_lists",
    ):
        op.drop_table(table)
