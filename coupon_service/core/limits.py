"""Redis-backed rate limits, shown to the caller as `RateLimit` and `Retry-After`.

Redis being away must not close the tills: Flask-Limiter then counts in this process's memory.
"""

import math
import time

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from coupon_service.core.resources import Resources

limiter = Limiter(get_remote_address, strategy="moving-window", in_memory_fallback_enabled=True)


def init_limits(app: Flask, held: Resources) -> None:
    """Attach the limiter to the application's Redis."""
    app.config.update(
        RATELIMIT_ENABLED=held.settings.rate_limits_enabled,
        RATELIMIT_STORAGE_URI=_storage_uri(held.settings.redis_url),
        RATELIMIT_STORAGE_OPTIONS={"socket_timeout": held.settings.redis_timeout_s},
        RATELIMIT_KEY_PREFIX="rate",
        RATELIMIT_IN_MEMORY_FALLBACK=["600/minute"],
    )
    limiter.init_app(app)
    app.after_request(_describe)


def _storage_uri(redis_url: str | None) -> str | None:
    """The same address in the limits library's words: it calls a socket `redis+unix://`."""
    return redis_url and redis_url.replace("unix://", "redis+unix://", 1)


def _describe(response: Response) -> Response:
    """Headers of draft-ietf-httpapi-ratelimit-headers: policy, what remains, and when it resets."""
    current = limiter.current_limit
    if current is None or request.endpoint is None:
        return response
    limit = current.limit
    reset_s = max(0, math.ceil(current.reset_at - time.time()))
    response.headers["RateLimit-Policy"] = f'"default";q={limit.amount};w={limit.get_expiry()}'
    response.headers["RateLimit"] = f'"default";r={current.remaining};t={reset_s}'
    if response.status_code == 429:
        response.headers["Retry-After"] = str(max(1, reset_s))
    return response
