"""Claim codes, awards and the waiting list."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("vouchers", sa.Column("void_reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_vouchers_void_because"), "vouchers", "void_reason IS NULL OR state = 'void'"
    )
    op.create_index(
        "ix_vouchers_given_back",
        "vouchers",
        ["release_id"],
        postgresql_where=sa.text("state IN ('void', 'expired')"),
    )
    _claim_codes()
    _waiting_lists()
    _awards()


def _claim_codes() -> None:
    op.create_table(
        "claim_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("uses_max", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "uses_max BETWEEN 1 AND 1000000", name=op.f("ck_claim_codes_uses_max_bounded")
        ),
        sa.CheckConstraint(
            "uses BETWEEN 0 AND uses_max", name=op.f("ck_claim_codes_uses_within_max")
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'onsite')", name=op.f("ck_claim_codes_channel_known")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_claim_codes_release_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_codes")),
        sa.UniqueConstraint("code_index", name=op.f("uq_claim_codes_code_index")),
    )
    op.create_index("ix_claim_codes_release_id", "claim_codes", ["release_id", "created_at"])
    op.create_table(
        "claim_code_uses",
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column(
            "used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name=op.f("fk_claim_code_uses_voucher_id")
        ),
        sa.ForeignKeyConstraint(
            ["code_id"], ["claim_codes.id"], name=op.f("fk_claim_code_uses_code_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_claim_code_uses_resident_id")
        ),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("pk_claim_code_uses")),
        sa.UniqueConstraint(
            "code_id", "resident_id", name=op.f("uq_claim_code_uses_code_id_resident_id")
        ),
    )


def _waiting_lists() -> None:
    op.create_table(
        "waiting_lists",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("recycled", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("recycled >= 0", name=op.f("ck_waiting_lists_recycled_not_negative")),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_waiting_lists_release_id")
        ),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_waiting_lists")),
    )
    op.execute(sa.schema.CreateSequence(sa.Sequence("waiting_entries_place_seq")))
    op.create_table(
        "waiting_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column(
            "place",
            sa.BigInteger(),
            server_default=sa.text("nextval('waiting_entries_place_seq')"),
            nullable=False,
        ),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(served_at IS NULL) = (voucher_id IS NULL)",
            name=op.f("ck_waiting_entries_served_with_voucher"),
        ),
        sa.CheckConstraint(
            "served_at IS NULL OR left_at IS NULL", name=op.f("ck_waiting_entries_served_or_left")
        ),
        sa.CheckConstraint(
            "refused IS NULL OR left_at IS NOT NULL",
            name=op.f("ck_waiting_entries_refused_has_left"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_waiting_entries_release_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_waiting_entries_resident_id")
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name=op.f("fk_waiting_entries_voucher_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_entries")),
        sa.UniqueConstraint(
            "release_id", "resident_id", name=op.f("uq_waiting_entries_release_id_resident_id")
        ),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_waiting_entries_voucher_id")),
    )
    op.create_index(
        "ix_waiting_entries_queue",
        "waiting_entries",
        ["release_id", "place"],
        postgresql_where=sa.text("served_at IS NULL AND left_at IS NULL"),
    )
    op.create_index("ix_waiting_entries_resident_id", "waiting_entries", ["resident_id"])


def _awards() -> None:
    op.create_table(
        "award_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("source_campaign_id", sa.Uuid(), nullable=True),
        sa.Column("min_order_fen", sa.BigInteger(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("per_person", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "min_order_fen BETWEEN 0 AND 1000000000000",
            name=op.f("ck_award_rules_min_order_bounded"),
        ),
        sa.CheckConstraint(
            "per_person BETWEEN 1 AND 100", name=op.f("ck_award_rules_per_person_bounded")
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_award_rules_season_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_award_rules_source_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_award_rules_release_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_rules")),
    )
    op.create_index(
        "ix_award_rules_season_id",
        "award_rules",
        ["season_id"],
        postgresql_where=sa.text("active"),
    )
    op.create_index("ix_award_rules_release_id", "award_rules", ["release_id"])
    op.create_table(
        "awards",
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("awarded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "voucher_id IS NULL OR refused IS NULL", name=op.f("ck_awards_voucher_or_refused")
        ),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR voucher_id IS NOT NULL",
            name=op.f("ck_awards_withdrawn_had_voucher"),
        ),
        sa.ForeignKeyConstraint(
            ["redemption_id"], ["redemptions.id"], name=op.f("fk_awards_redemption_id")
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["award_rules.id"], name=op.f("fk_awards_rule_id")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_awards_resident_id")
        ),
        sa.ForeignKeyConstraint(["voucher_id"], ["vouchers.id"], name=op.f("fk_awards_voucher_id")),
        sa.PrimaryKeyConstraint("redemption_id", "rule_id", name=op.f("pk_awards")),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_awards_voucher_id")),
    )
    op.create_index("ix_awards_rule_id", "awards", ["rule_id", "resident_id"])


def downgrade() -> None:
    op.drop_table("awards")
    op.drop_table("award_rules")
    op.drop_table("waiting_entries")
    op.execute(sa.schema.DropSequence(sa.Sequence("waiting_entries_place_seq")))
    op.drop_table("waiting_lists")
    op.drop_table("claim_code_uses")
    op.drop_table("claim_codes")
    op.drop_index("ix_vouchers_given_back", table_name="vouchers")
    op.drop_constraint(op.f("ck_vouchers_void_because"), "vouchers")
    op.drop_column("vouchers", "void_reason")
