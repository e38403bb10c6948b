"""What must always hold of AR sessions and what they brought."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "an AR session is done exactly when one proof of its anchor's provider was accepted",
        """
        SELECT s.id, s.state, e.webhook_id FROM ar_sessions s
        JOIN ar_anchors a ON a.id = s.anchor_id
        FULL JOIN ar_events e ON e.session_id = s.id
        WHERE (s.state = 'done') IS DISTINCT FROM (e.webhook_id IS NOT NULL)
           OR e.provider_id <> a.provider_id
        """,
    ),
    sql_invariant(
        "an AR award is a voucher of the session's resident in the anchor's release",
        """
        SELECT s.id, s.voucher_id FROM ar_sessions s
        JOIN ar_anchors a ON a.id = s.anchor_id AND a.outcome = 'award'
        JOIN vouchers v ON v.id = s.voucher_id
        WHERE v.resident_id <> s.resident_id OR v.release_id <> a.release_id
        """,
    ),
    sql_invariant(
        "an AR redemption is of the session's voucher, order and virtual store, without a till",
        """
        SELECT s.id, r.id AS redemption_id FROM ar_sessions s
        JOIN ar_anchors a ON a.id = s.anchor_id AND a.outcome = 'redeem'
        JOIN vouchers v ON v.id = s.voucher_id
        LEFT JOIN redemptions r ON r.id = s.redemption_id
        LEFT JOIN orders o ON o.id = r.order_id
        WHERE v.resident_id <> s.resident_id
           OR (s.state = 'done' AND (r.voucher_id, r.store_id, o.order_fen, r.channel, r.till_id)
               IS DISTINCT FROM (s.voucher_id, a.store_id, s.order_fen, 'virtual', NULL))
        """,
    ),
    sql_invariant(
        "an AR anchor stays within its provider's district, and redeems at a virtual store",
        """
        SELECT a.id FROM ar_anchors a
        JOIN ar_providers p ON p.id = a.provider_id
        LEFT JOIN releases r ON r.id = a.release_id
        LEFT JOIN campaigns c ON c.id = r.campaign_id
        LEFT JOIN seasons n ON n.id = c.season_id
        LEFT JOIN stores t ON t.id = a.store_id
        LEFT JOIN merchants m ON m.id = t.merchant_id
        WHERE coalesce(n.district_id, m.district_id) <> p.district_id OR t.channel <> 'virtual'
        """,
    ),
    sql_invariant(
        "what an AR provider brought on a day is what its sessions brought on that day",
        """
        WITH brought AS (
            SELECT a.provider_id,
                   CAST(timezone('Asia/Shanghai', s.done_at) AS date) AS day,
                   count(*) FILTER (WHERE a.outcome = 'award') AS award_count,
                   coalesce(sum(c.face_fen) FILTER (WHERE a.outcome = 'award'), 0) AS award_fen,
                   coalesce(sum(d.discount_fen), 0) AS redeem_fen
            FROM ar_sessions s
            JOIN ar_anchors a ON a.id = s.anchor_id
            LEFT JOIN releases r ON r.id = a.release_id
            LEFT JOIN campaigns c ON c.id = r.campaign_id
            LEFT JOIN redemptions d ON d.id = s.redemption_id
            WHERE s.state = 'done'
            GROUP BY 1, 2
        )
        SELECT coalesce(b.provider_id, d.provider_id) AS provider_id, coalesce(b.day, d.day) AS day
        FROM brought b FULL JOIN ar_provider_days d USING (provider_id, day)
        WHERE (b.award_count, b.award_fen, b.redeem_fen)
              IS DISTINCT FROM (d.award_count, d.award_fen, d.redeem_fen)
        """,
    ),
    sql_invariant(
        "an AR scene belongs to a provider that is built in, and so does its shop",
        """
        SELECT c.anchor_id FROM ar_scenes c
        JOIN ar_anchors a ON a.id = c.anchor_id
        JOIN ar_providers p ON p.id = a.provider_id
        LEFT JOIN ar_anchors b ON b.id = c.shop_anchor_id
        WHERE NOT p.is_built_in OR a.outcome <> 'award'
           OR b.provider_id <> p.id OR b.outcome <> 'redeem'
        """,
    ),
)
