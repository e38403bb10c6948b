"""Claim codes: whoever knows a community's or an event's code may claim from its release."""
