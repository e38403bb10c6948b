"""A till's key: `till_<id in hex>.<secret>`. Only a hash of the secret is kept.

The secret has 256 random bits, so one SHA-256 is enough: there is nothing to guess.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

PREFIX = "till_"
SECRET_BYTES = 32
_KEY = re.compile(r"till_([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")


def new_key(till_id: UUID) -> tuple[str, bytes]:
    """A fresh key, to be shown once, and the hash to keep."""
    key = key_of(till_id, secrets.token_bytes(SECRET_BYTES))
    return key, hash_of(key)


def key_of(till_id: UUID, secret: bytes) -> str:
    """The key of a till whose secret is these `SECRET_BYTES` bytes."""
    return f"{PREFIX}{till_id.hex}.{urlsafe_b64encode(secret).decode().rstrip('=')}"


def hash_of(key: str) -> bytes:
    """What is kept of a key.

    Raises:
        ValueError: it is not shaped like one.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        raise ValueError("not a till's key")
    return _hash(match[2])


def till_of(key: str) -> UUID | None:
    """Whose key this claims to be, or None if it is not even shaped like one."""
    match = _KEY.fullmatch(key)
    return UUID(hex=match[1]) if match else None


def fits(key: str, key_hash: bytes) -> bool:
    """Whether the key has the kept hash; takes the same time either way."""
    match = _KEY.fullmatch(key)
    return match is not None and hmac.compare_digest(_hash(match[2]), key_hash)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
