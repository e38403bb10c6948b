"""Redis-backed rate limits, shown to the caller as `RateLimit` and `Retry-After`.

Redis being away must not close the tills: Flask-Limiter then holds the same limits in the memory of
each process.
"""

import math
import time

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from redis.exceptions import RedisError

from coupon_service.core.resources import Resources

limiter = Limiter(
    get_remote_address,
    strategy="moving-window",
    in_memory_fallback_enabled=True,
    # Only the first request that Redis fails falls back. Those that were waiting for it too would
    # be answered with 500; they pass uncounted instead.
    swallow_errors=True,
)


def init_limits(app: Flask, held: Resources) -> None:
    """Attach the limiter to the application's Redis."""
    app.config.update(
        RATELIMIT_ENABLED=held.settings.rate_limits_enabled,
        RATELIMIT_STORAGE_URI=_storage_uri(held.settings.redis_url),
        RATELIMIT_STORAGE_OPTIONS={"socket_timeout": held.settings.redis_timeout_s},
        RATELIMIT_KEY_PREFIX="rate",
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
    try:
        # The library rounds the end of the window up, which may make it longer than it is.
        reset_s = math.ceil(current.reset_at - time.time())
        reset_s = min(max(0, reset_s), limit.get_expiry())
    except RedisError:
        return response  # the request was counted; only how much is left cannot be told
    response.headers["RateLimit-Policy"] = f'"default";q={limit.amount};w={limit.get_expiry()}'
    response.headers["RateLimit"] = f'"default";r={current.remaining};t={reset_s}'
    if response.status_code == 429:
        response.headers["Retry-After"] = str(max(1, reset_s))
    return response
