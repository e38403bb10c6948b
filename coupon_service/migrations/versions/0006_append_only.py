"""The ledger and the audit log are append-only.

UPDATE and DELETE are revoked even from the owner, so the service itself cannot do it; a trigger
says the same to a superuser. Accounts keep their privileges because PostgreSQL asks for UPDATE to
lock a row, which foreign keys do; the trigger alone guards them.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

REVOKED = ("ledger_transfers", "audit_entries")
GUARDED = (*REVOKED, "ledger_accounts")


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in REVOKED:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC, CURRENT_USER")
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in GUARDED:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    for table in REVOKED:
        op.execute(f"GRANT UPDATE, DELETE, TRUNCATE ON {table} TO CURRENT_USER")
    op.execute("DROP FUNCTION refuse_change()")
