"""Notices: what a resident is told, in the application and by message."""
