"""The judges: signals, rules, findings, cases and holds."""
