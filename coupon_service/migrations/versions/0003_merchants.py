"""Merchants and settlement."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "merchants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("district_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("is_illustration", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("fk_merchants_district_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchants")),
        sa.UniqueConstraint("code", name=op.f("uq_merchants_code")),
    )
    op.create_index(op.f("ix_merchants_district_id"), "merchants", ["district_id"], unique=False)
    op.create_table(
        "merchant_users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_merchant_users_merchant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_users")),
        sa.UniqueConstraint("username", name=op.f("uq_merchant_users_username")),
    )
    op.create_index(
        op.f("ix_merchant_users_merchant_id"), "merchant_users", ["merchant_id"], unique=False
    )
    op.create_table(
        "payout_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("number_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number_last4", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_payout_accounts_merchant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_accounts")),
    )
    op.create_index(
        "ix_payout_accounts_merchant_id",
        "payout_accounts",
        ["merchant_id", "effective_at"],
        unique=False,
    )
    op.create_table(
        "settlement_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("cutoff_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("payout_count", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column(
            "left_out",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'settled') = (settled_at IS NOT NULL)",
            name=op.f("ck_settlement_batches_settled_when"),
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_settlement_batches_season_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_batches")),
        sa.UniqueConstraint(
            "season_id", "cutoff_at", name=op.f("uq_settlement_batches_season_id_cutoff_at")
        ),
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("channel", sa.Text(), server_default="onsite", nullable=False),
        sa.CheckConstraint(
            "channel IN ('onsite', 'virtual')", name=op.f("ck_stores_channel_known")
        ),
        sa.CheckConstraint("lat BETWEEN -90 AND 90", name=op.f("ck_stores_lat_in_degrees")),
        sa.CheckConstraint("lon BETWEEN -180 AND 180", name=op.f("ck_stores_lon_in_degrees")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_stores_merchant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
        sa.UniqueConstraint("code", name=op.f("uq_stores_code")),
    )
    op.create_index(op.f("ix_stores_merchant_id"), "stores", ["merchant_id"], unique=False)
    op.create_table(
        "payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_name", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("netted_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'instructed') = (answered_at IS NULL)", name=op.f("ck_payouts_answered_when")
        ),
        sa.CheckConstraint(
            "(state = 'netted') = (amount_fen = 0)", name=op.f("ck_payouts_netted_moves_no_money")
        ),
        sa.CheckConstraint(
            "state <> 'paid' OR bank_reference IS NOT NULL",
            name=op.f("ck_payouts_paid_by_reference"),
        ),
        sa.CheckConstraint(
            "amount_fen >= 0 AND netted_fen >= 0", name=op.f("ck_payouts_amounts_not_negative")
        ),
        sa.CheckConstraint("item_count > 0", name=op.f("ck_payouts_has_items")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["payout_accounts.id"], name=op.f("fk_payouts_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["settlement_batches.id"], name=op.f("fk_payouts_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_payouts_merchant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint(
            "batch_id", "merchant_id", name=op.f("uq_payouts_batch_id_merchant_id")
        ),
        sa.UniqueConstraint("batch_id", "position", name=op.f("uq_payouts_batch_id_position")),
    )
    op.create_index(op.f("ix_payouts_merchant_id"), "payouts", ["merchant_id"], unique=False)
    op.create_table(
        "tills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_tills_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tills")),
    )
    op.create_index(op.f("ix_tills_store_id"), "tills", ["store_id"], unique=False)
    op.create_table(
        "settlement_lines",
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_settlement_lines_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payable_id"], ["payables.id"], name=op.f("fk_settlement_lines_payable_id")
        ),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payouts.id"], name=op.f("fk_settlement_lines_payout_id")
        ),
        sa.PrimaryKeyConstraint("payout_id", "payable_id", name=op.f("pk_settlement_lines")),
    )
    op.create_index(
        "uq_settlement_lines_live",
        "settlement_lines",
        ["payable_id"],
        unique=True,
        postgresql_where=sa.text("voided_at IS NULL"),
    )
    op.create_table(
        "settlement_nettings",
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("payable_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_settlement_nettings_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payable_id"], ["payables.id"], name=op.f("fk_settlement_nettings_payable_id")
        ),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payouts.id"], name=op.f("fk_settlement_nettings_payout_id")
        ),
        sa.PrimaryKeyConstraint("payout_id", "payable_id", name=op.f("pk_settlement_nettings")),
    )
    op.create_index(
        "ix_settlement_nettings_payable_id", "settlement_nettings", ["payable_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_settlement_nettings_payable_id", table_name="settlement_nettings")
    op.drop_table("settlement_nettings")
    op.drop_index(
        "uq_settlement_lines_live",
        table_name="settlement_lines",
        postgresql_where=sa.text("voided_at IS NULL"),
    )
    op.drop_table("settlement_lines")
    op.drop_index(op.f("ix_tills_store_id"), table_name="tills")
    op.drop_table("tills")
    op.drop_index(op.f("ix_payouts_merchant_id"), table_name="payouts")
    op.drop_table("payouts")
    op.drop_index(op.f("ix_stores_merchant_id"), table_name="stores")
    op.drop_table("stores")
    op.drop_table("settlement_batches")
    op.drop_index("ix_payout_accounts_merchant_id", table_name="payout_accounts")
    op.drop_table("payout_accounts")
    op.drop_index(op.f("ix_merchant_users_merchant_id"), table_name="merchant_users")
    op.drop_table("merchant_users")
    op.drop_index(op.f("ix_merchants_district_id"), table_name="merchants")
    op.drop_table("merchants")
