"""What must always hold of waiting lists."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "a waiting list has given out again exactly the vouchers it served, and no more than came"
        " back",
        """
        SELECT list.release_id, list.recycled,
            (SELECT count(*) FROM waiting_entries entry
             WHERE entry.release_id = list.release_id AND entry.served_at IS NOT NULL) AS served,
            (SELECT count(*) FROM vouchers
             WHERE release_id = list.release_id AND state IN ('void', 'expired')) AS came_back
        FROM waiting_lists list
        WHERE list.recycled <> (SELECT count(*) FROM waiting_entries entry
                WHERE entry.release_id = list.release_id AND entry.served_at IS NOT NULL)
           OR list.recycled > (SELECT count(*) FROM vouchers
                WHERE release_id = list.release_id AND state IN ('void', 'expired'))
        """,
    ),
    sql_invariant(
        "whoever a waiting list served has their voucher of its release",
        """
        SELECT entry.id FROM waiting_entries entry
        JOIN vouchers voucher ON voucher.id = entry.voucher_id
        WHERE (voucher.release_id, voucher.resident_id)
           IS DISTINCT FROM (entry.release_id, entry.resident_id)
        """,
    ),
)
