"""What must always hold between redemptions, vouchers and the merchants' sub-ledger."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "an order is worth what its redemptions are, all of its place and time",
        """
        SELECT stored.id AS order_id FROM orders stored
        LEFT JOIN redemptions redemption ON redemption.order_id = stored.id
        GROUP BY stored.id
        HAVING coalesce(sum(redemption.discount_fen), 0) <> stored.discount_fen
            OR coalesce(sum(redemption.turnover_fen), 0) <> stored.after_discount_fen
            OR coalesce(sum(redemption.refunded_turnover_fen), 0) <> stored.refunded_fen
            OR bool_or(redemption.merchant_id <> stored.merchant_id
                       OR redemption.store_id <> stored.store_id
                       OR coalesce(redemption.till_id <> stored.till_id,
                                   num_nulls(redemption.till_id, stored.till_id) = 1
                                   AND redemption.id IS NOT NULL)
                       OR redemption.channel <> stored.channel
                       OR redemption.redeemed_at <> stored.redeemed_at
                       OR (redemption.state = 'reversed') <> (stored.state = 'reversed'))
        """,
    ),
    sql_invariant(
        "what came back of an order is what its refunds say, fen by fen",
        """
        WITH refunded AS (
            SELECT order_id, sum(goods_fen) AS goods_fen, sum(district_fen) AS district_fen
            FROM refunds GROUP BY order_id
        ), shares AS (
            SELECT redemption.order_id, redemption.id,
                   redemption.refunded_discount_fen, redemption.refunded_turnover_fen,
                   coalesce(sum(share.district_fen), 0) AS district_fen,
                   coalesce(sum(share.turnover_fen), 0) AS turnover_fen
            FROM redemptions redemption
            LEFT JOIN refund_shares share ON share.redemption_id = redemption.id
            GROUP BY redemption.id
        )
        SELECT stored.id AS order_id FROM orders stored
        LEFT JOIN refunded ON refunded.order_id = stored.id
        LEFT JOIN shares ON shares.order_id = stored.id
        GROUP BY stored.id, refunded.goods_fen, refunded.district_fen
        HAVING stored.refunded_fen <> coalesce(refunded.goods_fen, 0)
            OR coalesce(sum(shares.district_fen), 0) <> coalesce(refunded.district_fen, 0)
            OR bool_or(shares.district_fen <> shares.refunded_discount_fen)
            OR bool_or(shares.turnover_fen <> shares.refunded_turnover_fen)
        """,
    ),
    sql_invariant(
        "every redemption has one payable, of its merchant, season and amount, that owes the rest",
        """
        SELECT redemption.id AS redemption_id, payable.id AS payable_id
        FROM redemptions redemption
        FULL JOIN (SELECT * FROM payables
                   WHERE id NOT IN (SELECT id FROM offline_losses)) payable
            ON payable.id = redemption.id
            AND payable.merchant_id = redemption.merchant_id
            AND payable.season_id = redemption.season_id
            AND payable.amount_fen = redemption.discount_fen
            AND payable.returned_fen = CASE redemption.state
                WHEN 'reversed' THEN redemption.discount_fen
                ELSE redemption.refunded_discount_fen END
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
        "payable + held + in flight + paid = live redemptions and offline losses, in every season",
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
            SELECT season_id, sum(owed_fen) AS live_fen FROM (
                SELECT season_id, discount_fen - refunded_discount_fen AS owed_fen
                FROM redemptions WHERE state = 'redeemed'
                UNION ALL
                SELECT season_id, amount_fen FROM offline_losses WHERE policy = 'district'
            ) owed_for GROUP BY season_id
        )
        SELECT season_id, owed_fen, live_fen FROM owed FULL JOIN live USING (season_id)
        WHERE coalesce(owed_fen, 0) <> coalesce(live_fen, 0)
        """,
    ),
)
