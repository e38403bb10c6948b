"""Sold out, from a process's own memory.

On a busy morning nearly everybody hears "sold out". When the gate says that a release is sold out
and stays so for a while (it hands out nothing that comes back before then), a process reads once
who has a seat, and answers everybody else by itself until that while is over.
"""

from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError

from coupon_service.core.log import get_logger
from coupon_service.issuance.answers import Lasting

# A release with more holders than this is asked about at the gate every time.
HOLDERS_MAX = 100_000
_SCAN_FIELDS = 5_000
_RESIDENT_CHARS = 32

log = get_logger(__name__)


@dataclass(frozen=True)
class Keys:
    """Where the gate keeps who has a seat, and the version of that."""

    mine: str
    version: str


@dataclass(frozen=True)
class _Known:
    """A release that is sold out until then (monotonic), and who has a seat of it."""

    until: float
    version: str
    holders: frozenset[bytes]


class SoldOutMemory:
    """What one process knows of releases that are sold out."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: dict[UUID, _Known] = {}
        self._reading = Lock()

    def known(self, release_id: UUID, resident_id: UUID) -> bool:
        """Whether the release is sold out, and the resident has no seat of it."""
        known = self._known.get(release_id)
        return (
            known is not None
            and monotonic() < known.until
            and resident_id.bytes not in known.holders
        )

    def remember(self, release_id: UUID, lasting: Lasting, asked_at: float, keys: Keys) -> None:
        """Learn what the gate answered to a question asked at `asked_at` (monotonic)."""
        until = asked_at + lasting.left_ms / 1000
        known = self._known.get(release_id)
        if known is not None and known.version == lasting.version:
            self._known[release_id] = replace(known, until=until)
            return
        if not self._reading.acquire(blocking=False):
            return
        try:
            holders = self._holders(lasting.version, keys)
        except RedisError as error:
            log.warning("the holders could not be read", error=type(error).__name__)
            return
        finally:
            self._reading.release()
        if holders is not None:
            now = monotonic()
            lasting_still = {id_: sold for id_, sold in self._known.items() if sold.until > now}
            self._known = lasting_still | {release_id: _Known(until, lasting.version, holders)}

    def _holders(self, version: str, keys: Keys) -> frozenset[bytes] | None:
        """Who has a seat; None if they are too many, or changed while they were read."""
        if int(self._redis.hlen(keys.mine)) > HOLDERS_MAX:
            return None
        fields = self._redis.hscan_iter(keys.mine, count=_SCAN_FIELDS, no_values=True)
        holders = frozenset(bytes.fromhex(field[:_RESIDENT_CHARS].decode()) for field in fields)
        return holders if self._redis.get(keys.version) == version.encode() else None
