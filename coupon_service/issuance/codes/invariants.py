"""What must always hold of claim codes."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "a claim code's count of uses is the number of vouchers it brought",
        """
        SELECT code.id, code.uses, count(use.voucher_id) AS brought FROM claim_codes code
        LEFT JOIN claim_code_uses use ON use.code_id = code.id
        GROUP BY code.id HAVING code.uses <> count(use.voucher_id)
        """,
    ),
    sql_invariant(
        "a voucher that a code brought is its user's, of the code's release and channel",
        """
        SELECT use.voucher_id FROM claim_code_uses use
        JOIN claim_codes code ON code.id = use.code_id
        JOIN vouchers voucher ON voucher.id = use.voucher_id
        WHERE (voucher.resident_id, voucher.release_id, voucher.claim_channel)
           IS DISTINCT FROM (use.resident_id, code.release_id, code.channel)
        """,
    ),
)
