"""A voucher pays part of an order: verify, redeem, reverse; the AR hook; till pages."""
