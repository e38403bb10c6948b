"""Webhooks to merchants: where they go, what was sent, and the log of it."""
