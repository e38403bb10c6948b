"""Limits on how often something may be done: so many times in any window, never one more.

All limits of any number of requests are asked in one Redis round trip. Redis being away must not
close the tills: each process then holds the same limits in its own memory.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic, time
from typing import cast

from flask import current_app
from redis import Redis
from redis.exceptions import RedisError

from coupon_service.core.log import get_logger
from coupon_service.core.redis import load_script
from coupon_service.core.resources import resources

_EXTENSION = "redemption.limits"
# After a failure Redis is left alone for so long: waiting for it again each time would cost more.
_REST_S = 1.0
# How many limits a process remembers before it looks for those that are over.
_PRUNED_FROM = 10_000
_NUMBERS_PER_ANSWER = 4

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` in any `window_s`, of what `who` does.

    Attributes:
        name: as the answer's headers say it.
    """

    name: str
    who: str
    amount: int
    window_s: int

    @property
    def key(self) -> str:
        # The braces keep all limits in one cluster slot.
        return f"rate:{{tills}}:{self.name}:{self.window_s}:{self.who}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands with its limits.

    Attributes:
        limit: the tightest of them, or the first that has no room.
        left: how many more like it have room; -1: it did not pass.
        reset_ms: until the earliest that counts leaves that limit's window.
        asked_ms: Unix time by the clock of whoever counted.
    """

    limit: Limit
    left: int
    reset_ms: int
    asked_ms: int

    @property
    def passed(self) -> bool:
        return self.left >= 0


# What is to be counted, limit by limit.
Wish = Sequence[Limit]


class Limits:
    """The counts over one Redis, or in this process while Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._ask = load_script(redis, __package__ or "", "limits")
        self._memory = _Memory()
        self._rests_until = 0.0

    def ask(self, wishes: Sequence[Wish]) -> list[Standing]:
        """Count each wish that has room in all its limits, of which it has at least one."""
        if monotonic() < self._rests_until:
            return self._memory.ask(wishes)
        keys = [limit.key for wish in wishes for limit in wish]
        args: list[str | int] = []
        for wish in wishes:
            args.append(len(wish))
            for limit in wish:
                args += (limit.amount, limit.window_s * 1000)
        try:
            numbers = cast(list[int], self._ask(keys=keys, args=args))
        except RedisError as error:
            self._rest(error)
            return self._memory.ask(wishes)
        answers = zip(*[iter(numbers)] * _NUMBERS_PER_ANSWER, strict=True)
        return [
            Standing(wish[which - 1], left, reset_ms, asked_ms)
            for wish, (which, left, reset_ms, asked_ms) in zip(wishes, answers, strict=True)
        ]

    def give_back(self, wish: Wish, standing: Standing) -> None:
        """It turned out not to count."""
        self._memory.give_back(wish, standing)
        if monotonic() < self._rests_until:
            return
        try:
            pipe = self._redis.pipeline(transaction=False)
            for limit in wish:
                pipe.lrem(limit.key, 1, str(standing.asked_ms))
            pipe.execute()
        except RedisError as error:
            self._rest(error)

    def _rest(self, error: RedisError) -> None:
        self._rests_until = monotonic() + _REST_S
        log.warning("limits are counted by each process", error=type(error).__name__)


class _Memory:
    """What the script does, in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._passed: dict[Limit, deque[int]] = {}
        self._prune_at = _PRUNED_FROM

    def ask(self, wishes: Sequence[Wish]) -> list[Standing]:
        with self._lock:
            now_ms = int(time() * 1000)
            if len(self._passed) >= self._prune_at:
                self._prune(now_ms)
            return [self._judge(wish, now_ms) for wish in wishes]

    def give_back(self, wish: Wish, standing: Standing) -> None:
        with self._lock:
            for limit in wish:
                passed = self._passed.get(limit)
                if passed and standing.asked_ms in passed:
                    passed.remove(standing.asked_ms)

    def _judge(self, wish: Wish, now_ms: int) -> Standing:
        rooms = [self._room(limit, now_ms) for limit in wish]
        for limit, (left, reset_ms) in zip(wish, rooms, strict=True):
            if left < 1:
                return Standing(limit, -1, reset_ms, now_ms)
        for limit in wish:
            self._passed.setdefault(limit, deque()).append(now_ms)
        tightest, (left, reset_ms) = min(zip(wish, rooms, strict=True), key=lambda pair: pair[1][0])
        return Standing(tightest, left - 1, reset_ms, now_ms)

    def _room(self, limit: Limit, now_ms: int) -> tuple[int, int]:
        window_ms = limit.window_s * 1000
        passed = self._passed.get(limit)
        while passed and passed[0] <= now_ms - window_ms:
            passed.popleft()
        if not passed:
            return limit.amount, window_ms
        return limit.amount - len(passed), passed[0] + window_ms - now_ms

    def _prune(self, now_ms: int) -> None:
        """Forget what has left its window; so the work is spread over the requests that made it."""
        self._passed = {
            limit: passed
            for limit, passed in self._passed.items()
            if passed and passed[-1] > now_ms - limit.window_s * 1000
        }
        self._prune_at = max(_PRUNED_FROM, 2 * len(self._passed))


def limits() -> Limits:
    """The limits of the current application."""
    found: Limits | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        made = Limits(resources().hints)
        found = cast(Limits, current_app.extensions.setdefault(_EXTENSION, made))
    return found
