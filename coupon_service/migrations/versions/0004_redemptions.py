"""Redemptions and AR."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "ar_providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("district_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "(previous_secret_sealed IS NULL) = (previous_secret_until IS NULL)",
            name=op.f("ck_ar_providers_previous_secret_ends"),
        ),
        sa.ForeignKeyConstraint(
            ["district_id"], ["districts.id"], name=op.f("fk_ar_providers_district_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ar_providers")),
        sa.UniqueConstraint("code", name=op.f("uq_ar_providers_code")),
    )
    op.create_table(
        "ar_anchors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("radius_m", sa.Float(), nullable=False),
        sa.Column("confidence_min", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "(outcome = 'award') = (release_id IS NOT NULL)",
            name=op.f("ck_ar_anchors_award_has_release"),
        ),
        sa.CheckConstraint(
            "(outcome = 'redeem') = (store_id IS NOT NULL)",
            name=op.f("ck_ar_anchors_redeem_has_store"),
        ),
        sa.CheckConstraint(
            "confidence_min BETWEEN 0 AND 1", name=op.f("ck_ar_anchors_confidence_is_a_share")
        ),
        sa.CheckConstraint("lat BETWEEN -90 AND 90", name=op.f("ck_ar_anchors_lat_in_degrees")),
        sa.CheckConstraint("lon BETWEEN -180 AND 180", name=op.f("ck_ar_anchors_lon_in_degrees")),
        sa.CheckConstraint(
            "radius_m > 0 AND radius_m <= 2000", name=op.f("ck_ar_anchors_radius_bounded")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["ar_providers.id"], name=op.f("fk_ar_anchors_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_ar_anchors_release_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_ar_anchors_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ar_anchors")),
        sa.UniqueConstraint("code", name=op.f("uq_ar_anchors_code")),
    )
    op.create_index(op.f("ix_ar_anchors_provider_id"), "ar_anchors", ["provider_id"], unique=False)
    op.create_table(
        "redemptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("till_id", sa.Uuid(), nullable=True),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("season_id", sa.Uuid(), nullable=True),
        sa.Column("node_id", sa.Uuid(), nullable=True),
        sa.Column("order_fen", sa.BigInteger(), nullable=False),
        sa.Column("after_discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'redeemed') = (reversed_at IS NULL)",
            name=op.f("ck_redemptions_reversed_when"),
        ),
        sa.CheckConstraint(
            "(state = 'tombstone') = (voucher_id IS NULL)",
            name=op.f("ck_redemptions_only_tombstones_lack_voucher"),
        ),
        sa.CheckConstraint(
            "discount_fen >= 0 AND discount_fen <= after_discount_fen AND after_discount_fen <= order_fen",
            name=op.f("ck_redemptions_discount_within_order"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_redemptions_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["node_id"], ["budget_nodes.id"], name=op.f("fk_redemptions_node_id")
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_redemptions_season_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_redemptions_store_id")),
        sa.ForeignKeyConstraint(["till_id"], ["tills.id"], name=op.f("fk_redemptions_till_id")),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name=op.f("fk_redemptions_voucher_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemptions")),
        sa.UniqueConstraint(
            "merchant_id", "order_no", name=op.f("uq_redemptions_merchant_id_order_no")
        ),
    )
    op.create_index(
        "ix_redemptions_merchant_id", "redemptions", ["merchant_id", "redeemed_at"], unique=False
    )
    op.create_index(
        "ix_redemptions_season_id", "redemptions", ["season_id", "redeemed_at"], unique=False
    )
    op.create_index(
        "ix_redemptions_till_id", "redemptions", ["till_id", "redeemed_at"], unique=False
    )
    op.create_index("ix_redemptions_voucher_id", "redemptions", ["voucher_id"], unique=False)
    op.create_index(
        "uq_redemptions_live_voucher",
        "redemptions",
        ["voucher_id"],
        unique=True,
        postgresql_where="state = 'redeemed'",
    )
    op.create_table(
        "ar_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("anchor_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("order_fen", sa.BigInteger(), nullable=True),
        sa.Column("redemption_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(redemption_id IS NOT NULL) = (state = 'done' AND order_fen IS NOT NULL)",
            name=op.f("ck_ar_sessions_redeemed_when_done"),
        ),
        sa.CheckConstraint(
            "(state = 'open') = (done_at IS NULL)", name=op.f("ck_ar_sessions_done_when")
        ),
        sa.CheckConstraint(
            "state = 'open' OR voucher_id IS NOT NULL", name=op.f("ck_ar_sessions_done_has_voucher")
        ),
        sa.CheckConstraint("created_at < expires_at", name=op.f("ck_ar_sessions_expires_later")),
        sa.CheckConstraint("order_fen > 0", name=op.f("ck_ar_sessions_order_positive")),
        sa.CheckConstraint(
            "order_fen IS NULL OR voucher_id IS NOT NULL",
            name=op.f("ck_ar_sessions_order_has_voucher"),
        ),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["ar_anchors.id"], name=op.f("fk_ar_sessions_anchor_id")
        ),
        sa.ForeignKeyConstraint(
            ["redemption_id"], ["redemptions.id"], name=op.f("fk_ar_sessions_redemption_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_ar_sessions_resident_id")
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name=op.f("fk_ar_sessions_voucher_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ar_sessions")),
        sa.UniqueConstraint("nonce", name=op.f("uq_ar_sessions_nonce")),
    )
    op.create_index(
        "ix_ar_sessions_resident_id", "ar_sessions", ["resident_id", "created_at"], unique=False
    )
    op.create_table(
        "ar_events",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["ar_providers.id"], name=op.f("fk_ar_events_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["ar_sessions.id"],
            name=op.f("fk_ar_events_session_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("provider_id", "webhook_id", name=op.f("pk_ar_events")),
        sa.UniqueConstraint("session_id", name=op.f("uq_ar_events_session_id")),
    )


def downgrade() -> None:
    op.drop_table("ar_events")
    op.drop_index("ix_ar_sessions_resident_id", table_name="ar_sessions")
    op.drop_table("ar_sessions")
    op.drop_index(
        "uq_redemptions_live_voucher",
        table_name="redemptions",
        postgresql_where="state = 'redeemed'",
    )
    op.drop_index("ix_redemptions_voucher_id", table_name="redemptions")
    op.drop_index("ix_redemptions_till_id", table_name="redemptions")
    op.drop_index("ix_redemptions_season_id", table_name="redemptions")
    op.drop_index("ix_redemptions_merchant_id", table_name="redemptions")
    op.drop_table("redemptions")
    op.drop_index(op.f("ix_ar_anchors_provider_id"), table_name="ar_anchors")
    op.drop_table("ar_anchors")
    op.drop_table("ar_providers")
