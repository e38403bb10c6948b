"""What must always hold between shifts and what was done in them."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "a closed shift's totals are those of its orders, reversals and refunds",
        """
        WITH paid AS (
            SELECT shift_id, count(*) AS order_count, sum(order_fen) AS order_fen,
                   sum(discount_fen) AS discount_fen,
                   sum(after_discount_fen - discount_fen) AS paid_fen
            FROM orders WHERE state <> 'tombstone' GROUP BY shift_id
        ), reversed AS (
            SELECT reversed_shift_id AS shift_id, count(*) AS reversal_count,
                   sum(after_discount_fen - discount_fen) AS reversed_fen
            FROM orders WHERE state = 'reversed' GROUP BY reversed_shift_id
        ), refunded AS (
            SELECT shift_id, count(*) AS refund_count, sum(customer_fen) AS refunded_fen
            FROM refunds GROUP BY shift_id
        )
        SELECT shift.id AS shift_id
        FROM shifts shift
        LEFT JOIN paid ON paid.shift_id = shift.id
        LEFT JOIN reversed ON reversed.shift_id = shift.id
        LEFT JOIN refunded ON refunded.shift_id = shift.id
        WHERE shift.closed_at IS NOT NULL
          AND (shift.order_count, shift.order_fen, shift.discount_fen, shift.paid_fen,
               shift.reversal_count, shift.reversed_fen, shift.refund_count, shift.refunded_fen)
           <> (coalesce(paid.order_count, 0), coalesce(paid.order_fen, 0),
               coalesce(paid.discount_fen, 0), coalesce(paid.paid_fen, 0),
               coalesce(reversed.reversal_count, 0), coalesce(reversed.reversed_fen, 0),
               coalesce(refunded.refund_count, 0), coalesce(refunded.refunded_fen, 0))
        """,
    ),
    sql_invariant(
        "orders and refunds are in shifts of their own till, and by clerks of its store",
        """
        SELECT stored.id, stored.shift_id, stored.clerk_id
        FROM (
            SELECT id, till_id, shift_id, clerk_id FROM orders
            UNION ALL SELECT id, till_id, reversed_shift_id, NULL FROM orders
            UNION ALL SELECT id, till_id, shift_id, clerk_id FROM refunds
        ) stored
        LEFT JOIN tills till ON till.id = stored.till_id
        LEFT JOIN shifts shift ON shift.id = stored.shift_id
        LEFT JOIN clerks clerk ON clerk.id = stored.clerk_id
        WHERE shift.till_id <> stored.till_id OR clerk.store_id <> till.store_id
           OR (stored.till_id IS NULL AND (stored.shift_id IS NOT NULL
                                           OR stored.clerk_id IS NOT NULL))
        """,
    ),
)
