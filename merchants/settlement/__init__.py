"""Settlement: batches, payout files, and the bank's answers."""
