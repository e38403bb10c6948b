"""Where a claim comes from: a browser's random cookie and a network, both only as keyed hashes."""

import re
import secrets

from flask import Response, current_app, g

from coupon_service.core.cookies import sent_cookie
from coupon_service.core.resources import resources
from coupon_service.core.this_request import this_request
from coupon_service.residents.throttle import network

COOKIE = "coupon_device"
_VALUE = re.compile(r"[A-Za-z0-9_-]{22}")
_HASH_BYTES = 16
_YEAR_S = 31_536_000
_NETWORKS = "issuance.networks"
_NETWORKS_KEPT = 10_000


def device_hash() -> bytes:
    """A keyed hash of this browser's device cookie; a browser without one gets one."""
    value = sent_cookie(COOKIE) or ""
    if not _VALUE.fullmatch(value):
        value = g.new_device = secrets.token_urlsafe(16)
    return resources().vault.index("device", value)[:_HASH_BYTES]


def network_hash() -> bytes:
    """A keyed hash of the network this request comes from."""
    asked = this_request()
    known: dict[str, bytes] = current_app.extensions.setdefault(_NETWORKS, {})
    address = asked.remote_addr or ""
    found = known.get(address)
    if found is None:
        if len(known) >= _NETWORKS_KEPT:
            known.clear()
        found = known[address] = resources().vault.index("network", network())[:_HASH_BYTES]
    return found


def remember_device(response: Response) -> Response:
    """Send the cookie of a browser that was given one in this request."""
    if "new_device" in g:
        secure = "; Secure" if this_request().scheme == "https" else ""
        response.headers.add(
            "Set-Cookie",
            f"{COOKIE}={g.new_device}; Max-Age={_YEAR_S}; HttpOnly; Path=/; SameSite=Lax{secure}",
        )
    return response
