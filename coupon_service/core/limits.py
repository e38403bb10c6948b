"""Redis-backed rate limits, shown to the caller as `RateLimit` and `Retry-After`.

Redis being away must not close the tills: Flask-Limiter then holds the same limits in the memory of
each process.
"""

import math
import time

from flask import Flask, Response, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from redis.exceptions import RedisError

from coupon_service.core.resources import Resources


class ViewLimiter(Limiter):
    """Limits lie on views only, so that a request without one is not looked at.

    The library would ask at every request whether a limit lies on the whole application, a
    blueprint or an endpoint's name, which takes longer than to answer most requests.
    """

    def init_app(self, app: Flask) -> None:
        """Attach to the application, and take back the hook that asks before every request."""
        super().init_app(app)
        if not self.enabled:
            return
        app.before_request_funcs[None].remove(self._check_request_limit)
        # It deducts what depends on the answer; the one before it forgets what was counted.
        deduct = app.after_request_funcs[None].pop()
        forget = app.teardown_request_funcs[None].pop()

        @app.after_request
        def describe(response: Response) -> Response:
            if "counted" in g:
                deduct(response)
                _describe(response)
            return response

        @app.teardown_request
        def end(error: BaseException | None) -> None:
            if g.pop("counted", False):
                forget(error)

    def _check_request_limit(
        self, callable_name: str | None = None, in_middleware: bool = True
    ) -> None:
        g.counted = True
        super()._check_request_limit(callable_name, in_middleware)


limiter = ViewLimiter(
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


def _storage_uri(redis_url: str | None) -> str | None:
    """The same address in the limits library's words: it calls a socket `redis+unix://`."""
    return redis_url and redis_url.replace("unix://", "redis+unix://", 1)


def _describe(response: Response) -> None:
    """Headers of draft-ietf-httpapi-ratelimit-headers: policy, what remains, and when it resets."""
    current = limiter.current_limit
    if current is None or request.endpoint is None:
        return
    limit = current.limit
    try:
        # The library rounds the end of the window up, which may make it longer than it is.
        reset_s = math.ceil(current.reset_at - time.time())
        reset_s = min(max(0, reset_s), limit.get_expiry())
    except RedisError:
        return  # the request was counted; only how much is left cannot be told
    response.headers["RateLimit-Policy"] = f'"default";q={limit.amount};w={limit.get_expiry()}'
    response.headers["RateLimit"] = f'"default";r={current.remaining};t={reset_s}'
    if response.status_code == 429:
        response.headers["Retry-After"] = str(max(1, reset_s))
