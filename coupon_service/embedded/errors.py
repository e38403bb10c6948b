"""What can go wrong when a server of our own is started."""

from pathlib import Path


class EmbeddedServerError(Exception):
    """A server could not be started; the message says why and where its log is."""


def log_tail(log: Path, *, lines: int = 12) -> str:
    """The last `lines` of a log, indented; empty if there is none."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
