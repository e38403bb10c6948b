"""Standard Webhooks 1.0.0, symmetric scheme: HMAC-SHA256 over `id.timestamp.body`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

The published Python library asks the process's clock and holds one secret. Here the database's
clock decides and two secrets may live at once, hence these few lines; the specification's own test
vector holds them to it.
"""

import hmac
import os
import ssl
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

import httpcore

from coupon_service.core.public_network import (
    AddressNotAllowedError,
    PublicNetwork,
    is_public_host,
)

SECRET_PREFIX = "whsec_"
KEY_BYTES = 32
KEY_BYTES_MIN = 24
KEY_BYTES_MAX = 64
URL_CHARS_MAX = 500
TIMEOUT_S = 5.0
# An answer's body says nothing that is used; this much is read so that its sender is not cut off.
ANSWER_BYTES_MAX = 1024

_SCHEME = "v1"
# A sender lists one signature per live secret; more than this is not a rotation.
_SIGNATURES_MAX = 8
_USER_AGENT = "coupon-service-webhooks/1"


@dataclass(frozen=True)
class Attempt:
    """What came of sending once.

    Attributes:
        status: of the answer; none if there was none.
        error: a word for why there was none: `address`, `connect`, `tls`, `timeout`, `broken`.
    """

    status: int | None
    error: str | None
    took_ms: int

    @property
    def succeeded(self) -> bool:
        """Any 2xx. A redirect is none: it is not followed."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Nobody wants these webhooks any more."""
        return self.status == HTTPStatus.GONE


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


def sign(key: bytes, webhook_id: str, timestamp_s: int, body: bytes) -> str:
    """One entry of `webhook-signature`. `timestamp_s` is Unix time, that of `webhook-timestamp`."""
    signed = b".".join((webhook_id.encode(), str(timestamp_s).encode(), body))
    return f"{_SCHEME},{b64encode(hmac.digest(key, signed, sha256)).decode()}"


def is_signed(
    keys: Iterable[bytes], webhook_id: str, timestamp_s: int, body: bytes, signatures: str
) -> bool:
    """Whether any signature of the header `webhook-signature` was made with any of the keys.

    Entries of other schemes are passed over, as the specification asks.
    """
    given = [entry.encode() for entry in signatures.split(" ")[:_SIGNATURES_MAX]]
    expected = [sign(key, webhook_id, timestamp_s, body).encode() for key in keys]
    # Every pair is compared: how long it takes says nothing about which one was right.
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    return any(matches)


def signed_headers(
    keys: Sequence[bytes], webhook_id: str, body: bytes, *, now_s: int
) -> dict[str, str]:
    """The three headers of a webhook that is sent now, signed with every live key."""
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(sign(key, webhook_id, now_s, body) for key in keys),
    }


def is_address(url: str, *, allow_private: bool) -> bool:
    """Whether webhooks can be sent there: https, a host, no password. Its name is not looked up.

    `allow_private` is for development, and lets http pass too.
    """
    if len(url) > URL_CHARS_MAX or not url.isascii() or any(char <= " " for char in url):
        return False
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises where it is no number
    except ValueError:
        return False
    schemes = ("https", "http") if allow_private else ("https",)
    return (
        parts.scheme in schemes
        and bool(parts.hostname)
        and parts.username is None
        and not parts.fragment
        and (allow_private or is_public_host(parts.hostname or ""))
    )


def deliver(
    endpoint_url: str,
    keys: Sequence[bytes],
    webhook_id: str,
    body: bytes,
    *,
    now_s: int,
    timeout_s: float = TIMEOUT_S,
    allow_private: bool = False,
    content_type: str = "application/json",
) -> Attempt:
    """Send a webhook once; whatever happens is the answer, and it happens within `timeout_s`.

    The address is one that its receiver chose, so only public ones are connected to, proxies of
    the environment are not asked, redirects are not followed, and little is read. Looking a name up
    takes as long as the system's resolver allows, on top.
    """
    began = monotonic()
    status, error = None, None
    headers = signed_headers(keys, webhook_id, body, now_s=now_s) | {
        "content-type": content_type,
        "user-agent": _USER_AGENT,
    }
    try:
        if not is_address(endpoint_url, allow_private=allow_private):
            raise AddressNotAllowedError
        status = _post(endpoint_url, headers, body, timeout_s, allow_private=allow_private)
    except AddressNotAllowedError:
        error = "address"
    except httpcore.TimeoutException:
        error = "timeout"
    except httpcore.ConnectError as failure:
        is_tls = any(isinstance(reason, ssl.SSLError) for reason in failure.args)
        error = "tls" if is_tls else "connect"
    except (httpcore.NetworkError, httpcore.ProtocolError, ValueError):
        error = "broken"
    return Attempt(status, error, int((monotonic() - began) * 1000))


def _post(
    url: str, headers: dict[str, str], body: bytes, timeout_s: float, *, allow_private: bool
) -> int:
    network = PublicNetwork(within_s=timeout_s, allow_private=allow_private)
    with (
        httpcore.ConnectionPool(_tls(), network_backend=network, max_connections=1) as pool,
        pool.stream("POST", url, headers=list(headers.items()), content=body) as answer,
    ):
        read_bytes = 0
        try:
            for chunk in answer.iter_stream():
                read_bytes += len(chunk)
                if read_bytes >= ANSWER_BYTES_MAX:
                    break
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            # The status has said all that counts; what should have followed is nobody's concern.
            return answer.status
        return answer.status


@cache
def _tls() -> ssl.SSLContext:
    """Reading the list of authorities takes longer than most webhooks do."""
    return httpcore.default_ssl_context()
