"""What must always hold of cases and holds.

A reversal, or the refund of all, takes its payable out of `held` at once; the job that listens to
it ends the hold row a moment later. A hold row of a reversed payable is therefore no violation.
"""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "every held payable has a hold that has not ended",
        """
        SELECT payables.id FROM payables
        LEFT JOIN fraud_holds hold ON hold.payable_id = payables.id AND hold.ended_at IS NULL
        WHERE payables.standing = 'held' AND hold.payable_id IS NULL
        """,
    ),
    sql_invariant(
        "a hold that has not ended holds a payable",
        """
        SELECT hold.payable_id, payables.standing FROM fraud_holds hold
        JOIN payables ON payables.id = hold.payable_id
        WHERE hold.ended_at IS NULL AND payables.standing NOT IN ('held', 'reversed')
        """,
    ),
    sql_invariant(
        "only an open or a confirmed case holds money, and only its own merchant's",
        """
        SELECT hold.case_id, hold.payable_id, cases.state FROM fraud_holds hold
        JOIN fraud_cases cases ON cases.id = hold.case_id
        JOIN payables ON payables.id = hold.payable_id
        WHERE (hold.ended_at IS NULL AND cases.state NOT IN ('open', 'confirmed'))
           OR payables.merchant_id <> cases.merchant_id OR payables.season_id <> cases.season_id
        """,
    ),
)
