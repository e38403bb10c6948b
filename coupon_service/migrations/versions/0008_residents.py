"""Households, sessions, data keys and the log of who looked."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ERASED_IS_EMPTY = (
    "erased_at IS NULL OR num_nonnulls(phone_sealed, name_sealed, id_number_sealed,"
    " verified_at, born_on, area_code) = 0"
)
_KNOWN = "phone_index IS NOT NULL OR id_number_index IS NOT NULL OR erased_at IS NOT NULL"
_SIDES = (
    "(state = 'asked' AND code_index IS NOT NULL) = (num_nulls(principal_id, agent_id) = 1)"
    " OR state = 'withdrawn'"
)


def upgrade() -> None:
    # Nobody is without a phone before the version that knows such residents writes the first one.
    for column in ("phone_sealed", "phone_index"):
        op.execute(
            "-- squawk-ignore ban-drop-not-null\n"
            f"ALTER TABLE residents ALTER COLUMN {column} DROP NOT NULL"
        )
    op.add_column("residents", sa.Column("id_kind", sa.Text(), nullable=True))
    op.add_column("residents", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    # The one that takes its place allows the erased, and holds for everybody else.
    op.execute(
        "-- squawk-ignore ban-drop-constraint\n"
        "ALTER TABLE residents DROP CONSTRAINT ck_residents_verified_by_id_number"
    )
    # Not valid: checked for every new and changed row at once, without a scan under the lock.
    for name, condition in (
        (
            "verified_by_id_number",
            "erased_at IS NOT NULL OR (verified_at IS NULL) = (id_number_index IS NULL)",
        ),
        ("phone_sealed_with_index", "(phone_sealed IS NULL) = (phone_index IS NULL)"),
        ("known_by_something", _KNOWN),
        ("erased_is_empty", _ERASED_IS_EMPTY),
    ):
        op.create_check_constraint(
            op.f(f"ck_residents_{name}"), "residents", condition, postgresql_not_valid=True
        )
    op.create_table(
        "resident_keys",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_resident_keys_resident_id")
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_resident_keys")),
    )
    op.create_table(
        "wechat_links",
        sa.Column("openid_index", sa.LargeBinary(), nullable=False),
        sa.Column("openid_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column(
            "linked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_wechat_links_resident_id")
        ),
        sa.PrimaryKeyConstraint("openid_index", name=op.f("pk_wechat_links")),
    )
    op.create_index(op.f("ix_wechat_links_resident_id"), "wechat_links", ["resident_id"])
    op.create_table(
        "proxies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("principal_id <> agent_id", name=op.f("ck_proxies_two_persons")),
        sa.CheckConstraint(_SIDES, name=op.f("ck_proxies_sides_known")),
        sa.CheckConstraint(
            "num_nonnulls(principal_id, agent_id) >= 1", name=op.f("ck_proxies_somebody_asked")
        ),
        sa.CheckConstraint(
            "state <> 'live' OR consented_at IS NOT NULL", name=op.f("ck_proxies_consented_when")
        ),
        sa.CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL)",
            name=op.f("ck_proxies_withdrawn_when"),
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["residents.id"], name=op.f("fk_proxies_principal_id")
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["residents.id"], name=op.f("fk_proxies_agent_id")),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["residents.id"], name=op.f("fk_proxies_asked_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proxies")),
    )
    op.create_index(
        "uq_proxies_pair",
        "proxies",
        ["principal_id", "agent_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_index(
        "uq_proxies_code",
        "proxies",
        ["code_index"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index("ix_proxies_agent_id", "proxies", ["agent_id"])
    op.create_index("ix_proxies_principal_id", "proxies", ["principal_id"])
    op.create_table(
        "personal_data_reads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("reader_kind", sa.Text(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_personal_data_reads_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_data_reads")),
    )
    op.create_index(
        "ix_personal_data_reads_resident_id", "personal_data_reads", ["resident_id", "at"]
    )


def downgrade() -> None:
    op.drop_table("personal_data_reads")
    op.drop_table("proxies")
    op.drop_table("wechat_links")
    op.drop_table("resident_keys")
    for name in (
        "erased_is_empty",
        "known_by_something",
        "phone_sealed_with_index",
        "verified_by_id_number",
    ):
        op.drop_constraint(op.f(f"ck_residents_{name}"), "residents", type_="check")
    op.drop_column("residents", "erased_at")
    op.drop_column("residents", "id_kind")
    op.create_check_constraint(
        op.f("ck_residents_verified_by_id_number"),
        "residents",
        "(verified_at IS NULL) = (id_number_index IS NULL)",
        postgresql_not_valid=True,
    )
    op.alter_column("residents", "phone_index", nullable=False)
    op.alter_column("residents", "phone_sealed", nullable=False)
