"""Issues and redeems a district's consumption coupons, and accounts for every fen."""
