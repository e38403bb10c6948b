"""The AR channel: budgets and caps, opening hours, scenes, refusals, and webhooks to providers."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

# A provider that awards already gets for its own the lowest node that holds all its campaigns, if
# no other provider would get the same.
_OWN_NODES = """
WITH RECURSIVE above AS (
    SELECT anchor.provider_id, campaign.node_id AS leaf_id, campaign.node_id, 0 AS steps
    FROM ar_anchors anchor
    JOIN releases release ON release.id = anchor.release_id
    JOIN campaigns campaign ON campaign.id = release.campaign_id
    UNION
    SELECT above.provider_id, above.leaf_id, node.parent_id, above.steps + 1
    FROM above JOIN budget_nodes node ON node.id = above.node_id
    WHERE node.parent_id IS NOT NULL
), common AS (
    SELECT DISTINCT ON (provider_id) provider_id, node_id
    FROM above
    GROUP BY provider_id, node_id
    HAVING count(DISTINCT leaf_id) = (
        SELECT count(DISTINCT leaf_id) FROM above one WHERE one.provider_id = above.provider_id
    )
    ORDER BY provider_id, sum(steps)
)
UPDATE ar_providers provider SET node_id = common.node_id
FROM common
WHERE common.provider_id = provider.id
  AND (SELECT count(*) FROM common other WHERE other.node_id = common.node_id) = 1
"""

# What was brought before there were caps counts too.
_DAYS = """
INSERT INTO ar_provider_days (provider_id, day, award_count, award_fen, redeem_fen)
SELECT anchor.provider_id, CAST(timezone('Asia/Shanghai', done.done_at) AS date),
       count(*) FILTER (WHERE anchor.outcome = 'award'),
       coalesce(sum(campaign.face_fen) FILTER (WHERE anchor.outcome = 'award'), 0),
       coalesce(sum(redemption.discount_fen), 0)
FROM ar_sessions done
JOIN ar_anchors anchor ON anchor.id = done.anchor_id
LEFT JOIN releases release ON release.id = anchor.release_id
LEFT JOIN campaigns campaign ON campaign.id = release.campaign_id
LEFT JOIN redemptions redemption ON redemption.id = done.redemption_id
WHERE done.state = 'done'
GROUP BY 1, 2
"""


def upgrade() -> None:
    # Constraints on columns that are new hold of every row there is, so nothing is validated.
    op.add_column("ar_providers", sa.Column("node_id", sa.Uuid(), nullable=True))
    op.add_column(
        "ar_providers",
        sa.Column("is_built_in", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("ar_providers", sa.Column("callback_url", sa.Text(), nullable=True))
    for name, most in (
        ("awards_per_day_max", "2000"),
        ("award_fen_per_day_max", "5000000"),
        ("redeem_fen_per_day_max", "5000000"),
    ):
        op.add_column(
            "ar_providers",
            sa.Column(name, sa.BigInteger(), server_default=sa.text(most), nullable=False),
        )
    op.create_foreign_key(
        op.f("fk_ar_providers_node_id"),
        "ar_providers",
        "budget_nodes",
        ["node_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.create_check_constraint(
        op.f("ck_ar_providers_caps_not_negative"),
        "ar_providers",
        "awards_per_day_max >= 0 AND award_fen_per_day_max >= 0 AND redeem_fen_per_day_max >= 0",
        postgresql_not_valid=True,
    )
    op.execute(_OWN_NODES)
    op.create_unique_constraint(op.f("uq_ar_providers_node_id"), "ar_providers", ["node_id"])
    op.create_table(
        "ar_provider_days",
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("award_count", sa.BigInteger(), nullable=False),
        sa.Column("award_fen", sa.BigInteger(), nullable=False),
        sa.Column("redeem_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["ar_providers.id"], name=op.f("fk_ar_provider_days_provider_id")
        ),
        sa.PrimaryKeyConstraint("provider_id", "day", name=op.f("pk_ar_provider_days")),
    )
    op.execute(_DAYS)
    for name in ("opens", "closes"):
        op.add_column(
            "ar_anchors",
            sa.Column(name, sa.Time(), server_default=sa.text("'00:00'"), nullable=False),
        )
    for name in ("starts_at", "ends_at"):
        op.add_column("ar_anchors", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_ar_anchors_has_length"),
        "ar_anchors",
        "starts_at < ends_at",
        postgresql_not_valid=True,
    )
    op.create_table(
        "ar_scenes",
        sa.Column("anchor_id", sa.Uuid(), nullable=False),
        sa.Column("shop_anchor_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["ar_anchors.id"], name=op.f("fk_ar_scenes_anchor_id")
        ),
        sa.ForeignKeyConstraint(
            ["shop_anchor_id"], ["ar_anchors.id"], name=op.f("fk_ar_scenes_shop_anchor_id")
        ),
        sa.PrimaryKeyConstraint("anchor_id", name=op.f("pk_ar_scenes")),
    )
    op.create_table(
        "ar_goods",
        sa.Column("anchor_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_ar_goods_price_positive")),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["ar_anchors.id"], name=op.f("fk_ar_goods_anchor_id")
        ),
        sa.PrimaryKeyConstraint("anchor_id", "position", name=op.f("pk_ar_goods")),
    )
    op.create_table(
        "ar_refusals",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["ar_sessions.id"], name=op.f("fk_ar_refusals_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_ar_refusals")),
    )
    op.create_table(
        "ar_callbacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_result", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "delivered_at IS NULL OR next_at IS NULL", name=op.f("ck_ar_callbacks_delivered_rests")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["ar_providers.id"], name=op.f("fk_ar_callbacks_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["ar_sessions.id"], name=op.f("fk_ar_callbacks_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ar_callbacks")),
    )
    op.create_index(
        "ix_ar_callbacks_due",
        "ar_callbacks",
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("ix_ar_callbacks_session_id", "ar_callbacks", ["session_id"])


def downgrade() -> None:
    op.drop_table("ar_callbacks")
    op.drop_table("ar_refusals")
    op.drop_table("ar_goods")
    op.drop_table("ar_scenes")
    for name in ("starts_at", "ends_at", "opens", "closes"):
        op.drop_column("ar_anchors", name)
    op.drop_table("ar_provider_days")
    for name in (
        "node_id",
        "is_built_in",
        "callback_url",
        "awards_per_day_max",
        "award_fen_per_day_max",
        "redeem_fen_per_day_max",
    ):
        op.drop_column("ar_providers", name)
