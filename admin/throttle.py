"""How often somebody may try to sign in as an official.

Wrong tries are counted per name as well as per address: with the password known, a code has six
digits and three of them fit at any moment, so twenty tries an hour leave a thief about a year.
"""

from typing import Any

from flask import Response, request
from flask_limiter.util import get_remote_address

from coupon_service.core.limits import limiter


def _name() -> str:
    body: Any = request.get_json(silent=True) if request.is_json else request.form
    name = body.get("username") if hasattr(body, "get") else None
    return name.lower()[:80] if isinstance(name, str) else ""


def _was_refused(response: Response) -> bool:
    return response.status_code == 401


addresses = limiter.shared_limit("20/minute", "office-addresses", key_func=get_remote_address)
names = limiter.shared_limit("20/hour", "office-names", key_func=_name, deduct_when=_was_refused)
