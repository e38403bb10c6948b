"""What must always hold between redemptions, vouchers and the merchants' sub-ledger."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "every live redemption has exactly one open payable, of its merchant, season and amount",
        """
        SELECT redemption.id AS redemption_id, payable.id AS payable_id
        FROM (SELECT * FROM redemptions WHERE state = 'redeemed') redemption
        FULL JOIN (SELECT * FROM payables WHERE standing <> 'reversed') payable
            ON payable.id = redemption.id
            AND payable.merchant_id = redemption.merchant_id
            AND payable.season_id = redemption.season_id
            AND payable.amount_fen = redemption.discount_fen
        WHERE redemption.id IS NULL OR payable.id IS NULL
        """,
    ),
    sql_invariant(
        "a voucher is redeemed if and only if a live redemption used it",
        """
        SELECT voucher.id AS voucher_id, redemption.id AS redemption_id
        FROM (SELECT * FROM vouchers WHERE state = 'redeemed') voucher
        FULL JOIN (SELECT * FROM redemptions WHERE state = 'redeemed') redemption
            ON redemption.voucher_id = voucher.id
        WHERE voucher.id IS NULL OR redemption.id IS NULL
        """,
    ),
    sql_invariant(
        "payable + held + in flight + paid = live redemptions, in every season",
        """
        WITH owed AS (
            SELECT account.season_id, sum(
                coalesce((SELECT sum(amount_fen) FROM ledger_transfers
                          WHERE to_account_id = account.id), 0)
              - coalesce((SELECT sum(amount_fen) FROM ledger_transfers
                          WHERE from_account_id = account.id), 0)) AS owed_fen
            FROM ledger_accounts account
            WHERE account.kind IN ('payable', 'held', 'in_flight', 'paid')
            GROUP BY account.season_id
        ), live AS (
            SELECT season_id, sum(discount_fen) AS live_fen
            FROM redemptions WHERE state = 'redeemed' GROUP BY season_id
        )
        SELECT season_id, owed_fen, live_fen FROM owed FULL JOIN live USING (season_id)
        WHERE coalesce(owed_fen, 0) <> coalesce(live_fen, 0)
        """,
    ),
)
