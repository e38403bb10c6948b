"""What a till does besides redeeming: pairing, clerks on duty, shifts, past orders, practice."""
