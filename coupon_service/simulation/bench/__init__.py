"""Measuring a service of its own: `coupon-service bench`."""
