"""What must hold of sandboxes."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = [
    sql_invariant(
        "sandbox: its merchants are owed play money only, and nobody else is",
        """
        SELECT p.id AS payable_id, m.id AS merchant_id, s.id AS season_id
        FROM payables p
        JOIN merchants m ON m.id = p.merchant_id
        JOIN seasons s ON s.id = p.season_id
        WHERE m.district_id <> s.district_id
          AND EXISTS (
            SELECT FROM sandboxes b WHERE b.district_id IN (m.district_id, s.district_id)
          )
        """,
    ),
    sql_invariant(
        "sandbox: its tills have test keys, and no other till has one",
        """
        SELECT k.id AS key_id, m.id AS merchant_id
        FROM pos_keys k
        JOIN tills t ON t.id = k.till_id
        JOIN stores s ON s.id = t.store_id
        JOIN merchants m ON m.id = s.merchant_id
        WHERE k.is_test <> EXISTS (
            SELECT FROM sandboxes b WHERE b.district_id = m.district_id
        )
        """,
    ),
]
