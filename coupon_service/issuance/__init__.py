"""Claiming: from a press of the button to a stored voucher; the gate."""
