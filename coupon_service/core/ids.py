"""UUIDv7 (RFC 9562): time-ordered, so that new rows land at one end of their indexes."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return uuid7()
