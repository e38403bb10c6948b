"""The manifest of time slots."""

from coupon_service.core.invariants import sql_invariant
from coupon_service.core.module import Module

MODULE = Module(
    name="slots",
    invariants=(
        sql_invariant(
            "what is taken of a slot is what was redeemed in it and not reversed",
            """
            SELECT counter.campaign_id, counter.store_id, counter.starts_at, counter.taken
            FROM slot_counters counter
            LEFT JOIN redemptions redemption
                ON redemption.store_id = counter.store_id
                AND redemption.redeemed_at >= counter.starts_at
                AND redemption.redeemed_at < counter.ends_at
                AND redemption.state <> 'reversed'
            LEFT JOIN vouchers voucher ON voucher.id = redemption.voucher_id
            LEFT JOIN releases release ON release.id = voucher.release_id
            GROUP BY counter.campaign_id, counter.store_id, counter.starts_at
            HAVING counter.taken
                <> count(*) FILTER (WHERE release.campaign_id = counter.campaign_id)
            """,
        ),
    ),
)
