"""Real processes for tests that kill and cut."""
