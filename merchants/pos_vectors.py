"""Test vectors for those who write a point-of-sale client: requests to sign, webhooks to verify.

    python -m merchants.pos_vectors > docs/examples/pos/signature-vectors.json

The keys belong to nobody.
"""

import sys
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from coupon_service.core.webhooks import as_secret, signed_headers
from merchants.request_signature import (
    DIGEST,
    Asked,
    content_digest,
    make_mac,
    signature_base,
)

_NAME = "pos_0190a1b2c3d47e5f8a9b0c1d2e3f4a5b"
_SECRET = "dGhlIHNlY3JldCBvZiB0aGUgdGVzdCB2ZWN0b3JzISE"
_CREATED_S = 1_781_755_200
_ORIGIN = "https://coupon.example"
_WEBHOOK_KEYS = (b"the former key of the vectors :)", b"the current key of the vectors:)")


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: str = ""


_REQUESTS = (
    _Request(
        "POST",
        "/api/v1/redemptions",
        '{"vouchers":[{"code":"123456789012"}],"order_no":"A-20260618-0001","order_fen":8000}',
    ),
    _Request("GET", "/api/v1/redemptions/A-20260618-0001"),
    _Request("POST", "/api/v1/redemptions/A-20260618-0001/reversal"),
    _Request("POST", "/api/v1/redemptions/A:1/refunds", '{"refund_no":"R-1","goods_fen":800}'),
    _Request("GET", "/api/v1/daily-totals/2026-06-18?of=merchant"),
    _Request("GET", "/api/v1/redemptions/A-1?day=2026-06-18&q=%E9%80%80"),
)


def make_vectors() -> dict[str, Any]:
    """The document."""
    return {
        "key": f"{_NAME}.{_SECRET}",
        "requests": [
            _vector(request, f"nonce-of-vector-{number}")
            for number, request in enumerate(_REQUESTS, start=1)
        ],
        "webhook": _webhook(),
    }


def _vector(request: _Request, nonce: str) -> dict[str, Any]:
    body, address = request.body.encode(), urlsplit(_ORIGIN + request.path)
    headers = {DIGEST: content_digest(body)} if body else {}
    components = ("@method", "@path", "@query", *headers)
    listed = " ".join(f'"{name}"' for name in components)
    parameters = (
        f'({listed});created={_CREATED_S};keyid="{_NAME}";nonce="{nonce}";alg="hmac-sha256"'
    )
    asked = Asked(
        request.method,
        address.scheme,
        address.netloc,
        address.path,
        address.query,
        headers,
        body,
    )
    base = signature_base(components, parameters, asked)
    mac = b64encode(make_mac(_SECRET.encode(), base)).decode()
    return {
        "method": request.method,
        "url": _ORIGIN + request.path,
        "body": request.body,
        "created": _CREATED_S,
        "nonce": nonce,
        "signature_base": base.decode(),
        "headers": headers | {"signature-input": f"pos={parameters}", "signature": f"pos=:{mac}:"},
    }


def _webhook() -> dict[str, Any]:
    """During a change of secrets: either of them verifies."""
    body = '{"type":"webhook.test","timestamp":"2026-06-18T04:00:00.000Z","data":{"名":1}}'
    headers = signed_headers(
        _WEBHOOK_KEYS, "01977f3a-0000-7000-8000-000000000001", body.encode(), now_s=_CREATED_S
    )
    return {"secrets": [as_secret(key) for key in _WEBHOOK_KEYS], "body": body, "headers": headers}


if __name__ == "__main__":
    sys.stdout.write(orjson.dumps(make_vectors(), option=orjson.OPT_INDENT_2).decode() + "\n")
