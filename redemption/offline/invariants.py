"""What must always hold of offline records, losses and the money behind them."""

from coupon_service.core.invariants import sql_invariant

INVARIANTS = (
    sql_invariant(
        "a device's chain has no holes, and adds up to what the device is known to have accepted",
        """
        SELECT device.id AS device_id FROM offline_devices device
        LEFT JOIN (
            SELECT device_id, count(*) AS records, max(seq) AS last_seq, sum(discount_fen) AS fen
            FROM offline_records WHERE outcome <> 'broken' GROUP BY device_id
        ) chain ON chain.device_id = device.id
        WHERE coalesce(chain.records, 0) <> device.brought_seq
           OR coalesce(chain.last_seq, 0) <> device.brought_seq
           OR coalesce(chain.fen, 0) <> device.brought_fen
        """,
    ),
    sql_invariant(
        "nothing was taken in beyond its lease",
        """
        SELECT record.id AS record_id FROM (
            SELECT *, sum(discount_fen) OVER (PARTITION BY device_id ORDER BY seq) AS chain_fen
            FROM offline_records WHERE outcome <> 'broken'
        ) record
        LEFT JOIN offline_leases lease
            ON lease.id = record.lease_id AND lease.device_id = record.device_id
        WHERE record.outcome IN ('redeemed', 'conflict')
          AND (lease.id IS NULL OR record.seq > lease.seq_max OR record.chain_fen > lease.fen_max
               OR record.accepted_at >= lease.expires_at)
        """,
    ),
    sql_invariant(
        "an offline record that was redeemed is its device's order, of its number and discount",
        """
        SELECT record.id AS record_id FROM offline_records record
        JOIN offline_devices device ON device.id = record.device_id
        LEFT JOIN orders stored ON stored.id = record.order_id
        WHERE record.outcome = 'redeemed'
          AND (stored.id IS NULL OR stored.order_no <> record.order_no
               OR stored.till_id <> device.till_id OR stored.discount_fen <> record.discount_fen)
        """,
    ),
    sql_invariant(
        "every conflict has one loss of its amount, and nothing else has one",
        """
        SELECT record.id AS record_id, loss.id AS loss_id
        FROM (SELECT * FROM offline_records WHERE outcome = 'conflict') record
        FULL JOIN offline_losses loss
            ON loss.record_id = record.id AND loss.amount_fen = record.discount_fen
        WHERE record.id IS NULL OR loss.id IS NULL
        """,
    ),
    sql_invariant(
        "a loss that the district bears, and no other, is owed to its merchant",
        """
        SELECT loss.id AS loss_id FROM offline_losses loss
        LEFT JOIN payables payable ON payable.id = loss.id
        WHERE (loss.policy = 'district') <> (payable.id IS NOT NULL)
           OR payable.amount_fen <> loss.amount_fen OR payable.merchant_id <> loss.merchant_id
           OR payable.season_id <> loss.season_id OR payable.returned_fen <> 0
        """,
    ),
    sql_invariant(
        "the money set aside covers what leases may still cost the district",
        """
        SELECT bound.season_id, bound.fen FROM (
            SELECT season_id, sum(fen) AS fen FROM (
                SELECT lease.season_id,
                       greatest(0, max(lease.fen_max) - device.brought_fen) AS fen
                FROM offline_leases lease
                JOIN offline_devices device ON device.id = lease.device_id
                WHERE device.closed_at IS NULL AND lease.policy = 'district'
                  AND lease.expires_at > now()
                GROUP BY lease.season_id, device.id
            ) of_devices GROUP BY season_id
        ) bound
        LEFT JOIN ledger_accounts pool
            ON pool.season_id = bound.season_id AND pool.kind = 'offline_loss'
            AND pool.owner_id = bound.season_id
        WHERE bound.fen >
            coalesce((SELECT sum(amount_fen) FROM ledger_transfers
                      WHERE to_account_id = pool.id), 0)
          - coalesce((SELECT sum(amount_fen) FROM ledger_transfers
                      WHERE from_account_id = pool.id), 0)
        """,
    ),
    sql_invariant(
        "a device with an alarm is closed",
        """
        SELECT alarm.id AS alarm_id FROM offline_alarms alarm
        JOIN offline_devices device ON device.id = alarm.device_id
        WHERE device.closed_at IS NULL OR device.till_id <> alarm.till_id
        """,
    ),
)
