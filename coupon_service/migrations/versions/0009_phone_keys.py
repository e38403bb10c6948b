"""Phone keys, proofs and paper vouchers."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "phone_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("usable_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "octet_length(public_key) = 33", name=op.f("ck_phone_keys_public_key_is_compressed")
        ),
        sa.CheckConstraint(
            "usable_from >= bound_at", name=op.f("ck_phone_keys_usable_after_bound")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_phone_keys_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_keys")),
    )
    op.create_index(
        "uq_phone_keys_live_resident",
        "phone_keys",
        ["resident_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index(
        "uq_phone_keys_live_key",
        "phone_keys",
        ["public_key"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("ix_phone_keys_resident_id", "phone_keys", ["resident_id", "bound_at"])
    op.create_table(
        "paper_vouchers",
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("second_check", sa.LargeBinary(), nullable=False),
        sa.Column("wrong_tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("issued_by_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "serial BETWEEN 1 AND 65535", name=op.f("ck_paper_vouchers_serial_is_two_bytes")
        ),
        sa.CheckConstraint("wrong_tries >= 0", name=op.f("ck_paper_vouchers_wrong_tries_counted")),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name=op.f("fk_paper_vouchers_voucher_id")
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_paper_vouchers_season_id")
        ),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("pk_paper_vouchers")),
    )
    op.create_index("ix_paper_vouchers_season_id", "paper_vouchers", ["season_id", "issued_by_id"])
    op.add_column("redemptions", sa.Column("proof_counter", sa.BigInteger(), nullable=True))
    op.create_index(
        "uq_redemptions_proof",
        "redemptions",
        ["voucher_id", "proof_counter"],
        unique=True,
        postgresql_where=sa.text("proof_counter IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_column("redemptions", "proof_counter")
    op.drop_table("paper_vouchers")
    op.drop_table("phone_keys")
