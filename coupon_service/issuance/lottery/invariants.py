"""What must always hold of lotteries."""

from coupon_service.core.invariants import sql_invariant
from coupon_service.issuance.lottery.merkle import BLOCK_LEAVES

INVARIANTS = (
    sql_invariant(
        "closed entries are those that were committed to",
        f"""
        SELECT draw.release_id, draw.entries_count, found.count
        FROM lottery_draws draw CROSS JOIN LATERAL (
            SELECT count(*),
                   string_agg(leaf, '' ORDER BY leaf)
                       FILTER (WHERE place % {BLOCK_LEAVES} = 1) AS firsts
            FROM (
                SELECT leaf, row_number() OVER (ORDER BY leaf) AS place
                FROM lottery_entries WHERE release_id = draw.release_id
            ) AS placed
        ) AS found
        WHERE draw.state IN ('closed', 'drawn', 'published')
          AND (found.count <> draw.entries_count
               OR coalesce(found.firsts, '') IS DISTINCT FROM draw.block_firsts
               OR octet_length(draw.block_roots) <> octet_length(draw.block_firsts))
        """,
    ),
    sql_invariant(
        "drawn entries have the ranks from the first to the last, and others have none",
        """
        SELECT draw.release_id, draw.entries_count, count(drawn.rank) AS ranked
        FROM lottery_draws draw LEFT JOIN lottery_ranks drawn USING (release_id)
        GROUP BY draw.release_id
        HAVING count(drawn.rank) <> coalesce(max(drawn.rank), 0)
            OR count(drawn.rank) <>
               CASE WHEN draw.state IN ('drawn', 'published') THEN draw.entries_count ELSE 0 END
        """,
    ),
    sql_invariant(
        "who was drawn and not passed over has the voucher, and nobody else does",
        """
        WITH winners AS (
            SELECT drawn.release_id, drawn.resident_id FROM lottery_ranks drawn
            JOIN lottery_draws draw ON draw.release_id = drawn.release_id
            WHERE drawn.rank <= draw.decided_rank AND drawn.refusal IS NULL
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
        SELECT draw.release_id, draw.winners_count, count(drawn.resident_id) AS won
        FROM lottery_draws draw
        LEFT JOIN lottery_ranks drawn ON drawn.release_id = draw.release_id
             AND drawn.rank <= draw.decided_rank AND drawn.refusal IS NULL
        GROUP BY draw.release_id
        HAVING count(drawn.resident_id) <> draw.winners_count
        """,
    ),
)
