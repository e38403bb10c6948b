"""Seasons, the budget tree, campaign terms, releases."""
