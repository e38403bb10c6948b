"""Offline tills: who may be one, their devices, leases, records, losses and alarms.

What a device signed, what it was allowed and what it cost cannot be changed afterwards. A trigger
says so and not a missing privilege, because foreign keys lock the rows they refer to.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_TABLES = (
    "offline_merchants",
    "offline_devices",
    "offline_leases",
    "offline_records",
    "offline_losses",
    "offline_alarms",
)
_GUARDED = ("offline_leases", "offline_records", "offline_losses")


def upgrade() -> None:
    _create_merchants()
    _create_devices()
    _create_leases()
    _create_records()
    _create_losses()
    _create_alarms()
    for table in _GUARDED:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _create_merchants() -> None:
    op.create_table(
        "offline_merchants",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("allowed_by", sa.Uuid(), nullable=True),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_offline_merchants_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_offline_merchants_season_id")
        ),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_offline_merchants")),
    )


def _create_devices() -> None:
    op.create_table(
        "offline_devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("brought_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("brought_hash", sa.LargeBinary(), nullable=False),
        sa.Column("brought_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "brought_seq >= 0 AND brought_fen >= 0",
            name=op.f("ck_offline_devices_brought_not_negative"),
        ),
        sa.CheckConstraint(
            "octet_length(brought_hash) = 32", name=op.f("ck_offline_devices_hash_is_sha256")
        ),
        sa.CheckConstraint(
            "octet_length(public_key) = 33",
            name=op.f("ck_offline_devices_public_key_is_compressed"),
        ),
        sa.ForeignKeyConstraint(["till_id"], ["tills.id"], name=op.f("fk_offline_devices_till_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offline_devices")),
        sa.UniqueConstraint("public_key", name=op.f("uq_offline_devices_public_key")),
    )
    op.create_index("ix_offline_devices_till_id", "offline_devices", ["till_id"], unique=False)


def _create_leases() -> None:
    op.create_table(
        "offline_leases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq_max", sa.BigInteger(), nullable=False),
        sa.Column("fen_max", sa.BigInteger(), nullable=False),
        sa.Column("face_max_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("issued_at < expires_at", name=op.f("ck_offline_leases_has_length")),
        sa.CheckConstraint(
            "seq_max > 0 AND fen_max > 0 AND face_max_fen > 0",
            name=op.f("ck_offline_leases_allows_some"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["offline_devices.id"], name=op.f("fk_offline_leases_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_offline_leases_season_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offline_leases")),
    )
    op.create_index(
        "ix_offline_leases_device_id", "offline_leases", ["device_id", "expires_at"], unique=False
    )


def _create_records() -> None:
    op.create_table(
        "offline_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("lease_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(outcome = 'redeemed') = (order_id IS NOT NULL)",
            name=op.f("ck_offline_records_order_when"),
        ),
        sa.CheckConstraint(
            "(outcome = 'redeemed') = (slug IS NULL)",
            name=op.f("ck_offline_records_slug_unless_redeemed"),
        ),
        sa.CheckConstraint("discount_fen > 0", name=op.f("ck_offline_records_discount_positive")),
        sa.CheckConstraint("seq > 0", name=op.f("ck_offline_records_seq_positive")),
        sa.ForeignKeyConstraint(
            ["device_id"], ["offline_devices.id"], name=op.f("fk_offline_records_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_offline_records_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offline_records")),
        sa.UniqueConstraint("device_id", "hash", name=op.f("uq_offline_records_device_id_hash")),
    )
    op.create_index("ix_offline_records_order_id", "offline_records", ["order_id"], unique=False)
    op.create_index(
        "uq_offline_records_place",
        "offline_records",
        ["device_id", "seq"],
        unique=True,
        postgresql_where=sa.text("outcome <> 'broken'"),
    )


def _create_losses() -> None:
    op.create_table(
        "offline_losses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_offline_losses_amount_positive")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_offline_losses_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["offline_records.id"], name=op.f("fk_offline_losses_record_id")
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_offline_losses_season_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offline_losses")),
        sa.UniqueConstraint("record_id", name=op.f("uq_offline_losses_record_id")),
    )
    op.create_index(
        op.f("ix_offline_losses_merchant_id"), "offline_losses", ["merchant_id"], unique=False
    )
    op.create_index(
        op.f("ix_offline_losses_season_id"), "offline_losses", ["season_id"], unique=False
    )


def _create_alarms() -> None:
    op.create_table(
        "offline_alarms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(cleared_at IS NULL) = (cleared_by IS NULL)",
            name=op.f("ck_offline_alarms_cleared_by_when"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["offline_devices.id"], name=op.f("fk_offline_alarms_device_id")
        ),
        sa.ForeignKeyConstraint(["till_id"], ["tills.id"], name=op.f("fk_offline_alarms_till_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offline_alarms")),
        sa.UniqueConstraint("device_id", name=op.f("uq_offline_alarms_device_id")),
    )
    op.create_index(
        "ix_offline_alarms_open",
        "offline_alarms",
        ["till_id"],
        unique=False,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
