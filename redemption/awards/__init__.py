"""Spend and get: a redemption earns its holder a second coupon."""
