"""The officials' console and reports."""
