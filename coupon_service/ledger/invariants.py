"""What must always hold of the ledger's own tables."""

from coupon_service.core.invariants import sql_invariant

_BALANCES = """
WITH balances AS (
    SELECT account.id, account.season_id, account.kind, account.owner_id,
           coalesce((SELECT sum(amount_fen) FROM ledger_transfers
                     WHERE to_account_id = account.id), 0)
         - coalesce((SELECT sum(amount_fen) FROM ledger_transfers
                     WHERE from_account_id = account.id), 0) AS balance_fen
    FROM ledger_accounts account
)
"""

INVARIANTS = (
    sql_invariant(
        "no account but the appropriation is negative",
        _BALANCES + "SELECT * FROM balances WHERE kind <> 'appropriation' AND balance_fen < 0",
    ),
    sql_invariant(
        "a season's accounts add up to zero, its appropriation included",
        _BALANCES
        + """
        SELECT season_id, sum(balance_fen) AS total_fen FROM balances
        GROUP BY season_id HAVING sum(balance_fen) <> 0
        """,
    ),
    sql_invariant(
        "no transfer crosses seasons",
        """
        SELECT transfer.seq FROM ledger_transfers transfer
        JOIN ledger_accounts source ON source.id = transfer.from_account_id
        JOIN ledger_accounts target ON target.id = transfer.to_account_id
        WHERE source.season_id <> target.season_id
        """,
    ),
    sql_invariant(
        "a merchant's payables in one standing add up to its account of that standing",
        _BALANCES
        + """
        , items AS (
            SELECT season_id, standing AS kind, merchant_id AS owner_id,
                   sum(amount_fen - returned_fen) AS items_fen
            FROM payables WHERE standing <> 'reversed' GROUP BY 1, 2, 3
        ), accounts AS (
            SELECT season_id, kind, owner_id, balance_fen FROM balances
            WHERE kind IN ('payable', 'held', 'in_flight', 'paid')
        )
        SELECT season_id, kind, owner_id, items_fen, balance_fen
        FROM items FULL JOIN accounts USING (season_id, kind, owner_id)
        WHERE coalesce(items_fen, 0) <> coalesce(balance_fen, 0)
        """,
    ),
)
