"""A merchant's tills: pairing browsers with them, clerks and who is on duty, shifts."""
