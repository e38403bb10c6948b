"""What must always hold of awards."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "an award is its resident's voucher in the rule's release",
        """
        SELECT award.redemption_id, award.rule_id FROM awards award
        JOIN award_rules rule ON rule.id = award.rule_id
        JOIN vouchers voucher ON voucher.id = award.voucher_id
        WHERE (voucher.release_id, voucher.resident_id)
           IS DISTINCT FROM (rule.release_id, award.resident_id)
        """,
    ),
    sql_invariant(
        "nobody has more from a rule than it gives one person",
        """
        SELECT rule.id, award.resident_id, count(*) FROM awards award
        JOIN award_rules rule ON rule.id = award.rule_id
        WHERE award.voucher_id IS NOT NULL AND award.withdrawn_at IS NULL
        GROUP BY rule.id, award.resident_id HAVING count(*) > rule.per_person
        """,
    ),
    sql_invariant(
        "a withdrawn award is void",
        """
        SELECT award.voucher_id FROM awards award
        JOIN vouchers voucher ON voucher.id = award.voucher_id
        WHERE award.withdrawn_at IS NOT NULL AND voucher.state <> 'void'
        """,
    ),
)
