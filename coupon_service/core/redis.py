"""Redis-protocol clients. Redis holds hints only: losing it costs latency, never a voucher."""

from importlib.resources import files

from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

__all__ = ["Redis", "RedisError", "Script", "load_script", "make_hint_redis", "make_queue_redis"]


def make_hint_redis(url: str, *, timeout_s: float) -> Redis:
    """A client for scripts and counters: short waits and never a silent second try.

    redis-py repeats a command after a connection error by default, and a script whose answer got
    lost would then take a second seat.
    """
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        max_connections=256,
    )


def make_queue_redis(url: str) -> Redis:
    """A client for RQ, whose workers wait on the socket for minutes."""
    return Redis.from_url(url, socket_connect_timeout=5)


def load_script(client: Redis, package: str, name: str) -> Script:
    """The Lua script `<package>/<name>.lua`, called by its hash and loaded when unknown."""
    return client.register_script((files(package) / f"{name}.lua").read_text())
