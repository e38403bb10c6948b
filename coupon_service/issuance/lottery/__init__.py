"""The lottery: entries, a published commitment, a public seed, a draw that anybody can redo."""
