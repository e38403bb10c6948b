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
        WHERE v.resident_id <> s.resident_id
           OR (s.state = 'done' AND (r.voucher_id, r.store_id, r.order_fen, r.channel, r.till_id)
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
)
