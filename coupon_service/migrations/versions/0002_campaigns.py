"""Campaigns and vouchers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "districts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_districts")),
        sa.UniqueConstraint("code", name=op.f("uq_districts_code")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("private_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kid BETWEEN 1 AND 255", name=op.f("ck_signing_keys_kid_is_one_byte")),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
    )
    op.create_index(
        "uq_signing_keys_active",
        "signing_keys",
        ["state"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "seasons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("district_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_seasons_has_length")),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("fk_seasons_district_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seasons")),
        sa.UniqueConstraint("code", name=op.f("uq_seasons_code")),
    )
    op.create_index(op.f("ix_seasons_district_id"), "seasons", ["district_id"], unique=False)
    op.create_table(
        "budget_nodes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "city_boards",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "(level = 'board') = (parent_id IS NULL)", name=op.f("ck_budget_nodes_boards_are_roots")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["budget_nodes.id"], name=op.f("fk_budget_nodes_parent_id")
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_budget_nodes_season_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_nodes")),
        sa.UniqueConstraint("season_id", "code", name=op.f("uq_budget_nodes_season_id_code")),
    )
    op.create_index(op.f("ix_budget_nodes_parent_id"), "budget_nodes", ["parent_id"], unique=False)
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("face_fen", sa.BigInteger(), nullable=False),
        sa.Column("rate_bp", sa.BigInteger(), nullable=True),
        sa.Column("threshold_fen", sa.BigInteger(), nullable=False),
        sa.Column("threshold_basis", sa.Text(), nullable=False),
        sa.Column("min_pay_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "scope",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_days", sa.BigInteger(), nullable=True),
        sa.Column("per_person", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("refund_policy", sa.Text(), nullable=False),
        sa.Column("claim_channels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("redeem_channels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("face_fen > 0", name=op.f("ck_campaigns_face_positive")),
        sa.CheckConstraint("min_pay_fen >= 0", name=op.f("ck_campaigns_min_pay_not_negative")),
        sa.CheckConstraint(
            "per_person BETWEEN 1 AND 100", name=op.f("ck_campaigns_per_person_bounded")
        ),
        sa.CheckConstraint(
            "rate_bp BETWEEN 1 AND 10000", name=op.f("ck_campaigns_rate_in_basis_points")
        ),
        sa.CheckConstraint("threshold_fen >= 0", name=op.f("ck_campaigns_threshold_not_negative")),
        sa.CheckConstraint(
            "valid_days BETWEEN 1 AND 366", name=op.f("ck_campaigns_valid_days_bounded")
        ),
        sa.CheckConstraint(
            "valid_from < valid_until", name=op.f("ck_campaigns_validity_has_length")
        ),
        sa.ForeignKeyConstraint(
            ["node_id"], ["budget_nodes.id"], name=op.f("fk_campaigns_node_id")
        ),
        sa.ForeignKeyConstraint(["season_id"], ["seasons.id"], name=op.f("fk_campaigns_season_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("season_id", "code", name=op.f("uq_campaigns_season_id_code")),
    )
    op.create_index(op.f("ix_campaigns_node_id"), "campaigns", ["node_id"], unique=False)
    op.create_table(
        "releases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'draft') = (published_at IS NULL)",
            name=op.f("ck_releases_published_when_open"),
        ),
        sa.CheckConstraint("number BETWEEN 1 AND 99999", name=op.f("ck_releases_number_bounded")),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_releases_window_has_length")),
        sa.CheckConstraint(
            "quantity BETWEEN 1 AND 9999999", name=op.f("ck_releases_quantity_bounded")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_releases_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("number", name=op.f("uq_releases_number")),
    )
    op.create_index(op.f("ix_releases_campaign_id"), "releases", ["campaign_id"], unique=False)
    op.create_index(
        "ix_releases_open",
        "releases",
        ["opens_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "vouchers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="issued", nullable=False),
        sa.Column("claim_channel", sa.Text(), nullable=False),
        sa.Column("device_hash", sa.LargeBinary(), nullable=True),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'redeemed') = (redeemed_at IS NOT NULL)",
            name=op.f("ck_vouchers_redeemed_when"),
        ),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_vouchers_ordinal_positive")),
        sa.CheckConstraint("seat >= 1", name=op.f("ck_vouchers_seat_positive")),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_vouchers_release_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_vouchers_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vouchers")),
        sa.UniqueConstraint(
            "release_id",
            "resident_id",
            "ordinal",
            name=op.f("uq_vouchers_release_id_resident_id_ordinal"),
        ),
        sa.UniqueConstraint("release_id", "seat", name=op.f("uq_vouchers_release_id_seat")),
    )
    op.create_index(
        "ix_vouchers_expiring",
        "vouchers",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'issued'"),
    )
    op.create_index(
        "ix_vouchers_resident_id", "vouchers", ["resident_id", "claimed_at"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_vouchers_resident_id", table_name="vouchers")
    op.drop_index(
        "ix_vouchers_expiring", table_name="vouchers", postgresql_where=sa.text("state = 'issued'")
    )
    op.drop_table("vouchers")
    op.drop_index(
        "ix_releases_open", table_name="releases", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index(op.f("ix_releases_campaign_id"), table_name="releases")
    op.drop_table("releases")
    op.drop_index(op.f("ix_campaigns_node_id"), table_name="campaigns")
    op.drop_table("campaigns")
    op.drop_index(op.f("ix_budget_nodes_parent_id"), table_name="budget_nodes")
    op.drop_table("budget_nodes")
    op.drop_index(op.f("ix_seasons_district_id"), table_name="seasons")
    op.drop_table("seasons")
    op.drop_index(
        "uq_signing_keys_active",
        table_name="signing_keys",
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_table("signing_keys")
    op.drop_table("districts")
