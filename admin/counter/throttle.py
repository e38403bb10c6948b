"""How often an official may try a name and a number: the counter is not for searching people."""

from coupon_service.core.auth import principal
from coupon_service.core.limits import limiter


def _official() -> str:
    return principal().id.hex


tries = limiter.shared_limit("20/minute;200/hour", "counter-tries", key_func=_official)
