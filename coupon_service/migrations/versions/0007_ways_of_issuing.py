"""Ways of issuing: modes, eligibility, quotas, rounds, proxies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column(
        "campaigns",
        sa.Column(
            "eligibility", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column(
        "releases", sa.Column("mode", sa.Text(), server_default="first_come", nullable=False)
    )
    op.add_column(
        "releases",
        sa.Column("waiting_room", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("releases", sa.Column("flows_into_id", sa.Uuid(), nullable=True))
    op.create_index("ix_releases_flows_into_id", "releases", ["flows_into_id"])
    op.create_foreign_key(
        "fk_releases_flows_into_id", "releases", "releases", ["flows_into_id"], ["id"]
    )
    op.create_table(
        "release_quotas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("eligibility", postgresql.JSONB(), nullable=False),
        sa.Column("first_seat", sa.BigInteger(), nullable=False),
        sa.Column("last_seat", sa.BigInteger(), nullable=False),
        sa.Column("opens_to_all_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "first_seat >= 1 AND first_seat <= last_seat",
            name=op.f("ck_release_quotas_seats_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_release_quotas_release_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_quotas")),
        sa.UniqueConstraint(
            "release_id", "first_seat", name=op.f("uq_release_quotas_release_id_first_seat")
        ),
    )
    op.add_column("vouchers", sa.Column("claimed_by_id", sa.Uuid(), nullable=True))
    op.add_column("vouchers", sa.Column("assisted_by_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_vouchers_claimed_by_id",
        "vouchers",
        ["claimed_by_id"],
        postgresql_where=sa.text("claimed_by_id IS NOT NULL"),
    )
    op.create_foreign_key(
        "fk_vouchers_claimed_by_id", "vouchers", "residents", ["claimed_by_id"], ["id"]
    )
    op.add_column("residents", sa.Column("area_code", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("residents", "area_code")
    op.drop_column("vouchers", "assisted_by_id")
    op.drop_column("vouchers", "claimed_by_id")
    op.drop_table("release_quotas")
    op.drop_column("releases", "flows_into_id")
    op.drop_column("releases", "waiting_room")
    op.drop_column("releases", "mode")
    op.drop_column("campaigns", "eligibility")
