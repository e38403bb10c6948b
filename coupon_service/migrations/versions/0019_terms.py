"""More terms of a campaign: hours, slots, stacking, goods. Hours are in the scope already."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column(
        "campaigns",
        sa.Column(
            "slots",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "excluded_goods",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column(
        "campaigns", sa.Column("stacking", sa.Text(), server_default="alone", nullable=False)
    )
    op.add_column("campaigns", sa.Column("per_order_max", sa.SmallInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_campaigns_per_order_max_of_several"),
        "campaigns",
        "per_order_max IS NULL OR per_order_max BETWEEN 2 AND 10 AND stacking = 'any'",
        postgresql_not_valid=True,
    )
    op.create_table(
        "slot_counters",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "taken BETWEEN 0 AND capacity", name=op.f("ck_slot_counters_taken_within_capacity")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_slot_counters_has_length")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_slot_counters_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id"], ["stores.id"], name=op.f("fk_slot_counters_store_id")
        ),
        sa.PrimaryKeyConstraint(
            "campaign_id", "store_id", "starts_at", name=op.f("pk_slot_counters")
        ),
    )


def downgrade() -> None:
    op.drop_table("slot_counters")
    op.drop_constraint(op.f("ck_campaigns_per_order_max_of_several"), "campaigns")
    for column in ("per_order_max", "stacking", "excluded_goods", "slots"):
        op.drop_column("campaigns", column)
