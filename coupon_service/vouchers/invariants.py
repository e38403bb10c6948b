"""What must always hold of vouchers, their releases and the money reserved for them."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "no seat lies beyond its release's quantity",
        """
        SELECT voucher.id, voucher.seat, release.quantity FROM vouchers voucher
        JOIN releases release ON release.id = voucher.release_id
        WHERE voucher.seat > release.quantity
        """,
    ),
    sql_invariant(
        "nobody holds more of a release than its campaign allows",
        """
        SELECT voucher.id, voucher.ordinal FROM vouchers voucher
        JOIN releases release ON release.id = voucher.release_id
        JOIN campaigns campaign ON campaign.id = release.campaign_id
        WHERE voucher.ordinal > campaign.per_person
        """,
    ),
    sql_invariant(
        "reserved money = faces of live vouchers + unclaimed seats of published releases",
        """
        WITH needed AS (
            SELECT release.id, campaign.face_fen * (
                count(voucher.id) FILTER (WHERE voucher.state = 'issued')
                + CASE WHEN release.state IN ('open', 'paused')
                       THEN release.quantity - count(voucher.id) ELSE 0 END
            ) AS needed_fen
            FROM releases release
            JOIN campaigns campaign ON campaign.id = release.campaign_id
            LEFT JOIN vouchers voucher ON voucher.release_id = release.id
            GROUP BY release.id, campaign.face_fen
        ), reserved AS (
            SELECT account.owner_id AS id,
                coalesce((SELECT sum(amount_fen) FROM ledger_transfers
                          WHERE to_account_id = account.id), 0)
              - coalesce((SELECT sum(amount_fen) FROM ledger_transfers
                          WHERE from_account_id = account.id), 0) AS reserved_fen
            FROM ledger_accounts account WHERE account.kind = 'reserved'
        )
        SELECT id, needed_fen, reserved_fen FROM needed FULL JOIN reserved USING (id)
        WHERE coalesce(needed_fen, 0) <> coalesce(reserved_fen, 0)
        """,
    ),
)
