"""Residents: sign-in by phone, real name, personal data."""
