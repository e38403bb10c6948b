"""Pairing of tills, clerks and shifts.

What is stored of a till joins the shift that is open there. A trigger does it and not the service,
so that it holds whoever stores it; and it locks the shift, so that closing one waits for what is
under way, and what comes after the closing joins no closed shift.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

# The new columns of tables that are there: table, column, what it refers to.
_REFERENCES = (
    ("orders", "clerk_id", "clerks"),
    ("orders", "shift_id", "shifts"),
    ("orders", "reversed_shift_id", "shifts"),
    ("refunds", "clerk_id", "clerks"),
    ("refunds", "shift_id", "shifts"),
)
_TRIGGERS = (
    """
    CREATE FUNCTION join_open_shift() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        SELECT id INTO NEW.shift_id FROM shifts
        WHERE till_id = NEW.till_id AND closed_at IS NULL FOR KEY SHARE;
        RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION reverse_in_open_shift() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        SELECT id INTO NEW.reversed_shift_id FROM shifts
        WHERE till_id = NEW.till_id AND closed_at IS NULL FOR KEY SHARE;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER orders_join_open_shift BEFORE INSERT ON orders
    FOR EACH ROW EXECUTE FUNCTION join_open_shift()
    """,
    """
    CREATE TRIGGER refunds_join_open_shift BEFORE INSERT ON refunds
    FOR EACH ROW EXECUTE FUNCTION join_open_shift()
    """,
    """
    CREATE TRIGGER orders_reverse_in_open_shift BEFORE UPDATE OF state ON orders
    FOR EACH ROW WHEN (OLD.state = 'redeemed' AND NEW.state = 'reversed')
    EXECUTE FUNCTION reverse_in_open_shift()
    """,
)


def upgrade() -> None:
    op.add_column(
        "stores",
        sa.Column(
            "clerk_idle_min", sa.SmallInteger(), server_default=sa.text("10"), nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("ck_stores_clerk_idle_bounded"),
        "stores",
        "clerk_idle_min BETWEEN 2 AND 120",
        postgresql_not_valid=True,
    )
    _create_browsers()
    _create_clerks()
    _create_shifts()
    op.add_column("orders", sa.Column("reversed_shift_id", sa.Uuid(), nullable=True))
    for table, column, referred in _REFERENCES:
        op.create_foreign_key(
            op.f(f"fk_{table}_{column}"),
            table,
            referred,
            [column],
            ["id"],
            postgresql_not_valid=True,
        )
    for statement in _TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER orders_reverse_in_open_shift ON orders")
    op.execute("DROP TRIGGER refunds_join_open_shift ON refunds")
    op.execute("DROP TRIGGER orders_join_open_shift ON orders")
    op.execute("DROP FUNCTION reverse_in_open_shift()")
    op.execute("DROP FUNCTION join_open_shift()")
    for table, column, _ in reversed(_REFERENCES):
        op.drop_constraint(op.f(f"fk_{table}_{column}"), table)
    op.drop_column("orders", "reversed_shift_id")
    for name in ("shifts", "clerk_tries", "clerks", "till_browsers", "till_pairings"):
        op.drop_table(name)
    op.drop_column("stores", "clerk_idle_min")


def _create_browsers() -> None:
    op.create_table(
        "till_pairings",
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["till_id"], ["tills.id"], name=op.f("fk_till_pairings_till_id")),
        sa.PrimaryKeyConstraint("till_id", name=op.f("pk_till_pairings")),
        sa.UniqueConstraint("code_index", name=op.f("uq_till_pairings_code_index")),
    )
    op.create_table(
        "till_browsers",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("paired_by", sa.Uuid(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sign_in_sessions.id"],
            name=op.f("fk_till_browsers_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["till_id"], ["tills.id"], name=op.f("fk_till_browsers_till_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_till_browsers")),
    )
    op.create_index("ix_till_browsers_till_id", "till_browsers", ["till_id"])


def _create_clerks() -> None:
    op.create_table(
        "clerks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("pin_hash", sa.LargeBinary(), nullable=False),
        sa.Column("pin_set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_clerks_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clerks")),
        sa.UniqueConstraint("store_id", "name_index", name=op.f("uq_clerks_store_id_name_index")),
    )
    op.create_table(
        "clerk_tries",
        sa.Column("clerk_id", sa.Uuid(), nullable=False),
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("wrong_tries", sa.SmallInteger(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "wrong_tries BETWEEN 1 AND 5", name=op.f("ck_clerk_tries_wrong_tries_bounded")
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerks.id"], name=op.f("fk_clerk_tries_clerk_id")),
        sa.ForeignKeyConstraint(["till_id"], ["tills.id"], name=op.f("fk_clerk_tries_till_id")),
        sa.PrimaryKeyConstraint("clerk_id", "till_id", name=op.f("pk_clerk_tries")),
    )


def _create_shifts() -> None:
    totals = (
        "order_count",
        "order_fen",
        "discount_fen",
        "paid_fen",
        "reversal_count",
        "reversed_fen",
        "refund_count",
        "refunded_fen",
    )
    op.create_table(
        "shifts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in totals),
        sa.CheckConstraint("closed_at >= opened_at", name=op.f("ck_shifts_closed_after_opened")),
        sa.CheckConstraint(
            f"num_nonnulls(closed_at, {', '.join(totals)}) IN (0, 9)",
            name=op.f("ck_shifts_totals_when_closed"),
        ),
        sa.CheckConstraint(
            "closed_by IS NULL OR closed_at IS NOT NULL", name=op.f("ck_shifts_closed_by_when")
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["clerks.id"], name=op.f("fk_shifts_closed_by")),
        sa.ForeignKeyConstraint(["opened_by"], ["clerks.id"], name=op.f("fk_shifts_opened_by")),
        sa.ForeignKeyConstraint(["till_id"], ["tills.id"], name=op.f("fk_shifts_till_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
    )
    op.create_index("ix_shifts_till_id", "shifts", ["till_id", "opened_at"])
    op.create_index(
        "uq_shifts_open",
        "shifts",
        ["till_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
