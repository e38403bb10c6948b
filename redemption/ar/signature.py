"""Standard Webhooks 1.0.0, symmetric scheme: HMAC-SHA256 over `id.timestamp.body`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

The published Python library asks the process's clock and holds one secret. Here the database's
clock decides and two secrets may live at once, hence these few lines; the specification's own test
vector holds them to it.
"""

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256

SECRET_PREFIX = "whsec_"
KEY_BYTES = 32
KEY_BYTES_MIN = 24
KEY_BYTES_MAX = 64

_SCHEME = "v1"
# A sender lists one signature per live secret; more than this is not a rotation.
_SIGNATURES_MAX = 8


def new_key() -> bytes:
    """A fresh random key."""
    return os.urandom(KEY_BYTES)


def as_secret(key: bytes) -> str:
    """The key as it is handed over: `whsec_` and base64."""
    return SECRET_PREFIX + b64encode(key).decode()


def as_key(secret: str) -> bytes:
    """The key in a `whsec_…` secret.

    Raises:
        ValueError: another prefix, not base64, or not 24 to 64 bytes.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a secret begins with {SECRET_PREFIX}")
    key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise ValueError(f"a secret holds {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes")
    return key


def sign(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """One entry of `webhook-signature`. `timestamp` is the header's text: Unix time in seconds."""
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    return f"{_SCHEME},{b64encode(hmac.digest(key, signed, sha256)).decode()}"


def is_signed(
    keys: Iterable[bytes], webhook_id: str, timestamp: str, body: bytes, signatures: str
) -> bool:
    """Whether any signature of the header `webhook-signature` was made with any of the keys.

    Entries of other schemes are passed over, as the specification asks.
    """
    given = [entry.encode() for entry in signatures.split(" ")[:_SIGNATURES_MAX]]
    expected = [sign(key, webhook_id, timestamp, body).encode() for key in keys]
    # Every pair is compared: how long it takes says nothing about which one was right.
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    return any(matches)
