"""The waiting list: what comes back to a sold-out release goes to whoever waited longest."""
