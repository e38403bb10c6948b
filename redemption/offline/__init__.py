"""Tills that go on without a network: devices, leases, signed records, and what became of each."""
