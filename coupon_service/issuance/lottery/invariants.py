"""What must always hold of lotteries."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "closed entries fill the places from the first to the last",
        """
        SELECT draw.release_id, draw.entries_count, count(entry.position) AS placed
        FROM lottery_draws draw
        LEFT JOIN lottery_entries entry ON entry.release_id = draw.release_id
        WHERE draw.state IN ('closed', 'drawn', 'published')
        GROUP BY draw.release_id
        HAVING count(entry.resident_id) <> draw.entries_count
            OR count(entry.position) <> draw.entries_count
            OR coalesce(max(entry.position) + 1, 0) <> draw.entries_count
        """,
    ),
    sql_invariant(
        "drawn entries have the ranks from the first to the last",
        """
        SELECT draw.release_id, draw.entries_count, count(entry.rank) AS ranked
        FROM lottery_draws draw
        LEFT JOIN lottery_entries entry ON entry.release_id = draw.release_id
        WHERE draw.state IN ('drawn', 'published')
        GROUP BY draw.release_id
        HAVING count(entry.rank) <> draw.entries_count
            OR coalesce(max(entry.rank), 0) <> draw.entries_count
        """,
    ),
    sql_invariant(
        "who was drawn and not passed over has the voucher, and nobody else does",
        """
        WITH winners AS (
            SELECT entry.release_id, entry.resident_id FROM lottery_entries entry
            JOIN lottery_draws draw ON draw.release_id = entry.release_id
            WHERE entry.rank <= draw.decided_rank AND entry.refusal IS NULL
        ), holders AS (
            SELECT voucher.release_id, voucher.resident_id FROM vouchers voucher
            JOIN lottery_draws draw ON draw.release_id = voucher.release_id
        )
        SELECT coalesce(winners.release_id, holders.release_id) AS release_id,
               coalesce(winners.resident_id, holders.resident_id) AS resident_id
        FROM winners FULL JOIN holders USING (release_id, resident_id)
        WHERE winners.resident_id IS NULL OR holders.resident_id IS NULL
        """,
    ),
    sql_invariant(
        "a draw counts its winners right",
        """
        SELECT draw.release_id, draw.winners_count, count(entry.resident_id) AS won
        FROM lottery_draws draw
        LEFT JOIN lottery_entries entry ON entry.release_id = draw.release_id
             AND entry.rank <= draw.decided_rank AND entry.refusal IS NULL
        GROUP BY draw.release_id
        HAVING count(entry.resident_id) <> draw.winners_count
        """,
    ),
)
