"""Double-entry ledger of integer fen: append-only, and the source of every number shown."""
