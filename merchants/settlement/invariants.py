"""What must always hold between settlement, the payables and the ledger."""

from coupon_service.core.invariants import sql_invariant

_BALANCE = """
    coalesce((SELECT sum(amount_fen) FROM ledger_transfers WHERE to_account_id = account.id), 0)
  - coalesce((SELECT sum(amount_fen) FROM ledger_transfers WHERE from_account_id = account.id), 0)
"""

# What is owed of a payable now.
_OWED = "(payable.amount_fen - payable.returned_fen)"

# Per season and merchant: what unrejected payouts have instructed beyond what is owed by now, less
# what confirmed payouts have set off.
_DEBITS = f"""
    SELECT season_id, merchant_id, sum(amount_fen) AS debit_fen FROM (
        SELECT payable.season_id, payable.merchant_id, line.amount_fen - {_OWED} AS amount_fen
        FROM settlement_lines line JOIN payables payable ON payable.id = line.payable_id
        WHERE line.voided_at IS NULL AND line.amount_fen > {_OWED}
        UNION ALL
        SELECT payable.season_id, payable.merchant_id, -netting.amount_fen
        FROM settlement_nettings netting
        JOIN payables payable ON payable.id = netting.payable_id
        JOIN payouts payout ON payout.id = netting.payout_id
        WHERE payout.state IN ('paid', 'netted')
    ) movement GROUP BY season_id, merchant_id
"""

INVARIANTS = (
    sql_invariant(
        "each payable in flight or paid has exactly one live settlement line",
        """
        SELECT payable.id, payable.standing FROM payables payable
        LEFT JOIN settlement_lines line ON line.payable_id = payable.id AND line.voided_at IS NULL
        WHERE payable.standing IN ('in_flight', 'paid')
        GROUP BY payable.id HAVING count(line.payable_id) <> 1
        """,
    ),
    sql_invariant(
        "a live settlement line agrees with its payable, payout and batch",
        f"""
        SELECT line.payable_id, payable.standing, payout.state FROM settlement_lines line
        JOIN payables payable ON payable.id = line.payable_id
        JOIN payouts payout ON payout.id = line.payout_id
        JOIN settlement_batches batch ON batch.id = payout.batch_id
        WHERE line.voided_at IS NULL AND NOT (
            line.amount_fen BETWEEN {_OWED} AND payable.amount_fen
            AND payout.merchant_id = payable.merchant_id
            AND batch.id = payable.batch_id
            AND batch.season_id = payable.season_id
            AND payable.incurred_at < batch.cutoff_at
            AND (payable.standing = 'reversed'
                 OR payout.state = 'instructed' AND payable.standing = 'in_flight'
                 OR payout.state IN ('paid', 'netted') AND payable.standing = 'paid')
        )
        """,
    ),
    sql_invariant(
        "lines are void exactly where the bank rejected their payout",
        """
        SELECT line.payable_id, payout.id AS payout_id FROM settlement_lines line
        JOIN payouts payout ON payout.id = line.payout_id
        WHERE (line.voided_at IS NOT NULL) <> (payout.state = 'rejected')
        """,
    ),
    sql_invariant(
        "a payout's transfer and netted part add up to its lines",
        """
        SELECT payout.id FROM payouts payout
        LEFT JOIN settlement_lines line ON line.payout_id = payout.id
        GROUP BY payout.id
        HAVING count(line.payable_id) <> payout.item_count
            OR coalesce(sum(line.amount_fen), 0) <> payout.amount_fen + payout.netted_fen
        """,
    ),
    sql_invariant(
        "a payout's netted part adds up to its nettings, all of its own merchant",
        """
        SELECT payout.id FROM payouts payout
        LEFT JOIN settlement_nettings netting ON netting.payout_id = payout.id
        LEFT JOIN payables payable ON payable.id = netting.payable_id
        GROUP BY payout.id
        HAVING coalesce(sum(netting.amount_fen), 0) <> payout.netted_fen
            OR bool_or(payable.merchant_id <> payout.merchant_id)
        """,
    ),
    sql_invariant(
        "a batch's totals are those of its payouts, and it is settled when all are answered",
        """
        SELECT batch.id FROM settlement_batches batch
        LEFT JOIN payouts payout ON payout.batch_id = batch.id
        GROUP BY batch.id
        HAVING batch.line_count <> coalesce(sum(payout.item_count), 0)
            OR batch.payout_count <> count(payout.id) FILTER (WHERE payout.amount_fen > 0)
            OR batch.total_fen <> coalesce(sum(payout.amount_fen), 0)
            OR (batch.state = 'settled')
               <> (count(payout.id) FILTER (WHERE payout.state = 'instructed') = 0)
        """,
    ),
    sql_invariant(
        "nothing is set off but what came back of a confirmed payment, and at most once",
        f"""
        SELECT netting.payable_id FROM settlement_nettings netting
        JOIN payouts payout ON payout.id = netting.payout_id AND payout.state <> 'rejected'
        JOIN payables payable ON payable.id = netting.payable_id
        GROUP BY netting.payable_id, payable.amount_fen, payable.returned_fen
        HAVING sum(netting.amount_fen) > coalesce((
            SELECT line.amount_fen - {_OWED} FROM settlement_lines line
            JOIN payouts settled ON settled.id = line.payout_id
            WHERE line.payable_id = netting.payable_id AND line.voided_at IS NULL
              AND settled.state IN ('paid', 'netted')
        ), 0)
        """,
    ),
    sql_invariant(
        "money in flight = unreversed lines of instructed payouts",
        f"""
        WITH lines AS (
            SELECT payable.season_id, payable.merchant_id, sum({_OWED}) AS lines_fen
            FROM settlement_lines line
            JOIN payouts payout ON payout.id = line.payout_id AND payout.state = 'instructed'
            JOIN payables payable ON payable.id = line.payable_id
            WHERE payable.standing <> 'reversed' GROUP BY 1, 2
        ), accounts AS (
            SELECT account.season_id, account.owner_id AS merchant_id, {_BALANCE} AS balance_fen
            FROM ledger_accounts account WHERE account.kind = 'in_flight'
        )
        SELECT season_id, merchant_id, lines_fen, balance_fen
        FROM lines FULL JOIN accounts USING (season_id, merchant_id)
        WHERE coalesce(lines_fen, 0) <> coalesce(balance_fen, 0)
        """,
    ),
    sql_invariant(
        "a merchant's debit = what came back of its instructed items less what was set off",
        f"""
        WITH accounts AS (
            SELECT account.season_id, account.owner_id AS merchant_id, {_BALANCE} AS balance_fen
            FROM ledger_accounts account WHERE account.kind = 'merchant_debit'
        )
        SELECT season_id, merchant_id, debit_fen, balance_fen
        FROM ({_DEBITS}) debit FULL JOIN accounts USING (season_id, merchant_id)
        WHERE coalesce(debit_fen, 0) <> coalesce(balance_fen, 0)
        """,
    ),
    sql_invariant(
        "what banks transferred stands as paid or is owed back",
        f"""
        WITH transferred AS (
            SELECT batch.season_id, payout.merchant_id, sum(payout.amount_fen) AS amount_fen
            FROM payouts payout JOIN settlement_batches batch ON batch.id = payout.batch_id
            WHERE payout.state = 'paid' GROUP BY 1, 2
        ), not_yet_paid AS (
            SELECT payable.season_id, payable.merchant_id,
                   sum(line.amount_fen - {_OWED}) AS amount_fen
            FROM settlement_lines line
            JOIN payouts payout ON payout.id = line.payout_id AND payout.state = 'instructed'
            JOIN payables payable ON payable.id = line.payable_id
            GROUP BY 1, 2
        ), accounts AS (
            SELECT account.season_id, account.owner_id AS merchant_id, sum({_BALANCE}) AS amount_fen
            FROM ledger_accounts account WHERE account.kind IN ('paid', 'merchant_debit')
            GROUP BY 1, 2
        )
        SELECT season_id, merchant_id, transferred.amount_fen AS transferred_fen,
               accounts.amount_fen AS balance_fen
        FROM accounts
        FULL JOIN transferred USING (season_id, merchant_id)
        LEFT JOIN not_yet_paid USING (season_id, merchant_id)
        WHERE coalesce(transferred.amount_fen, 0) + coalesce(not_yet_paid.amount_fen, 0)
           <> coalesce(accounts.amount_fen, 0)
        """,
    ),
)
