"""Fraud and officials."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("district_id", sa.Uuid(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(actor_kind = 'service') = (actor_id IS NULL)",
            name=op.f("ck_audit_entries_actor_known"),
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("fk_audit_entries_district_id")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entries")),
    )
    op.create_index(
        op.f("ix_audit_entries_district_id"), "audit_entries", ["district_id"], unique=False
    )
    op.create_index("ix_audit_entries_object_id", "audit_entries", ["object_id"], unique=False)
    op.create_table(
        "officials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("district_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role IN ('official', 'auditor', 'administrator')", name=op.f("ck_officials_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("fk_officials_district_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officials")),
        sa.UniqueConstraint("username", name=op.f("uq_officials_username")),
    )
    op.create_index(op.f("ix_officials_district_id"), "officials", ["district_id"], unique=False)
    op.create_table(
        "fraud_cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL)", name=op.f("ck_fraud_cases_decided_when")
        ),
        sa.CheckConstraint(
            "(state IN ('released', 'confirmed')) = (decided_by IS NOT NULL)",
            name=op.f("ck_fraud_cases_decided_by_someone"),
        ),
        sa.CheckConstraint("opened_at < due_at", name=op.f("ck_fraud_cases_due_after_opening")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_fraud_cases_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_fraud_cases_season_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fraud_cases")),
    )
    op.create_index(
        "ix_fraud_cases_confirmed",
        "fraud_cases",
        ["merchant_id"],
        unique=False,
        postgresql_where=sa.text("state = 'confirmed'"),
    )
    op.create_index("ix_fraud_cases_season_id", "fraud_cases", ["season_id", "state"], unique=False)
    op.create_index(
        "uq_fraud_cases_open",
        "fraud_cases",
        ["merchant_id", "season_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "fraud_holds",
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["fraud_cases.id"], name=op.f("fk_fraud_holds_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["payable_id"], ["payables.id"], name=op.f("fk_fraud_holds_payable_id")
        ),
        sa.PrimaryKeyConstraint("payable_id", "case_id", name=op.f("pk_fraud_holds")),
    )
    op.create_index("ix_fraud_holds_case_id", "fraud_holds", ["case_id"], unique=False)
    op.create_index(
        "uq_fraud_holds_payable",
        "fraud_holds",
        ["payable_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "fraud_findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "weight BETWEEN 1 AND 100", name=op.f("ck_fraud_findings_weight_bounded")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["fraud_cases.id"], name=op.f("fk_fraud_findings_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_fraud_findings_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["redemption_id"], ["redemptions.id"], name=op.f("fk_fraud_findings_redemption_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fraud_findings")),
        sa.UniqueConstraint(
            "redemption_id", "rule", name=op.f("uq_fraud_findings_redemption_id_rule")
        ),
    )
    op.create_index(op.f("ix_fraud_findings_case_id"), "fraud_findings", ["case_id"], unique=False)
    op.create_index(
        op.f("ix_fraud_findings_merchant_id"), "fraud_findings", ["merchant_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_fraud_findings_merchant_id"), table_name="fraud_findings")
    op.drop_index(op.f("ix_fraud_findings_case_id"), table_name="fraud_findings")
    op.drop_table("fraud_findings")
    op.drop_index(
        "uq_fraud_holds_payable",
        table_name="fraud_holds",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index("ix_fraud_holds_case_id", table_name="fraud_holds")
    op.drop_table("fraud_holds")
    op.drop_index(
        "uq_fraud_cases_open", table_name="fraud_cases", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index("ix_fraud_cases_season_id", table_name="fraud_cases")
    op.drop_index(
        "ix_fraud_cases_confirmed",
        table_name="fraud_cases",
        postgresql_where=sa.text("state = 'confirmed'"),
    )
    op.drop_table("fraud_cases")
    op.drop_index(op.f("ix_officials_district_id"), table_name="officials")
    op.drop_table("officials")
    op.drop_index("ix_audit_entries_object_id", table_name="audit_entries")
    op.drop_index(op.f("ix_audit_entries_district_id"), table_name="audit_entries")
    op.drop_table("audit_entries")
