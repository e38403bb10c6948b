"""The waiting room before a release opens: a drawn order, and one-use tickets to claim with."""
