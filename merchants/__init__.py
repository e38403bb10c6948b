"""Merchants, stores, tills; settlement and payout."""
