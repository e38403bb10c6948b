"""Which browser claims: a random cookie, kept only as a keyed hash on the voucher."""

import re
import secrets

from flask import Response, g, request

from coupon_service.core.resources import resources

COOKIE = "coupon_device"
_VALUE = re.compile(r"[A-Za-z0-9_-]{22}")
_HASH_BYTES = 16


def device_hash() -> bytes:
    """A keyed hash of this browser's device cookie; a browser without one gets one."""
    value = request.cookies.get(COOKIE, "")
    if not _VALUE.fullmatch(value):
        value = g.new_device = secrets.token_urlsafe(16)
    return resources().vault.index("device", value)[:_HASH_BYTES]


def remember_device(response: Response) -> Response:
    """Send the cookie of a browser that was given one in this request."""
    if "new_device" in g:
        response.set_cookie(COOKIE, g.new_device, max_age=31_536_000, httponly=True, samesite="Lax")
    return response
