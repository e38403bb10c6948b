"""The gate: hands out the next seat of a release in one Redis round trip.

It is a hint that is almost always right. PostgreSQL stores a seat once whatever the gate says, so
a gate that was lost, rebuilt or restored from an old copy costs a second try, never a voucher.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import randbits
from threading import BoundedSemaphore
from time import monotonic
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError

from coupon_service.core.log import get_logger
from coupon_service.core.redis import Script, load_script
from coupon_service.core.resources import EXTENSION, Resources
from coupon_service.issuance.answers import (
    Answer,
    Cold,
    SeatRange,
    SoldOut,
    Wanted,
    parsed,
    written,
)
from coupon_service.issuance.sold_out import Keys, SoldOutMemory

TRIES_PER_WINDOW = 30
TRIES_WINDOW_S = 10
# How long a release that has sold out stays so whatever comes back meanwhile.
SOLD_OUT_MS = 1_000
# The gate forgets a release this long after its last refresh; the reconciler refreshes it sooner.
META_TTL_S = 120
_REBUILD_LOCK_MS = 15_000
_REBUILD_CHUNK = 5_000
_GATE = "issuance.gate"

T = TypeVar("T")

log = get_logger(__name__)


@dataclass(frozen=True)
class Quotas:
    """How many seats of one release one browser and one network may take."""

    per_device: int
    per_network: int


@dataclass(frozen=True)
class GateFacts:
    """What the gate needs to know of a release, and when that was read.

    Unix milliseconds by PostgreSQL's clock.
    """

    quantity: int
    opens_ms: int
    closes_ms: int
    per_person: int
    state: str
    now_ms: int


class Gate:
    """The gate over one Redis."""

    def __init__(self, redis: Redis, *, cold_claims_max: int, quotas: Quotas) -> None:
        """`cold_claims_max` claims of this process may go past a cold gate at once."""
        self.cold_slots = BoundedSemaphore(cold_claims_max)
        self._redis = redis
        self._quotas = quotas
        self._take = load_script(redis, __package__ or "", "take")
        self._give_back = load_script(redis, __package__ or "", "give_back")
        self._adopt = load_script(redis, __package__ or "", "adopt")
        self._sold_out = SoldOutMemory(redis)

    def take(self, release_id: UUID, wanted: Sequence[Wanted]) -> list[Answer]:
        """A seat, or why not, for each, in one round trip.

        A resident and ordinal that have a seat get the same one again.
        """
        keys = self._keys(
            release_id,
            *("meta", "cursors", "free", "mine", "origins", "sold", "version", "tries"),
        )
        args: list[str | int] = [
            TRIES_PER_WINDOW,
            TRIES_WINDOW_S,
            self._quotas.per_device,
            self._quotas.per_network,
            SOLD_OUT_MS,
        ]
        for want in wanted:
            args += [want.resident_id.hex, want.ordinal, *want.origins, written(want.ranges)]
        asked_at = monotonic()
        try:
            answers = self._take(keys=keys, args=args)
        except RedisError as error:
            log.warning("the gate did not answer", error=type(error).__name__)
            return [Cold()] * len(wanted)
        found = [parsed(answer.decode()) for answer in answers]
        if isinstance(found[-1], SoldOut) and found[-1].lasting is not None:
            mine, version = self._keys(release_id, "mine", "version")
            self._sold_out.remember(release_id, found[-1].lasting, asked_at, Keys(mine, version))
        return found

    def sold_out_for(self, release_id: UUID, resident_id: UUID) -> bool:
        """Whether this process knows, without asking, that the resident would hear "sold out".

        Never true for somebody who has a seat: they are to get their voucher again.
        """
        return self._sold_out.known(release_id, resident_id)

    def give_back(self, release_id: UUID, want: Wanted, seat: int) -> None:
        """The claim came to nothing: the seat can go to somebody else."""
        self._undo(release_id, want, seat, reusable=True)

    def forget(self, release_id: UUID, want: Wanted, seat: int) -> None:
        """The seat turned out to be taken in the database: hand it to nobody."""
        self._undo(release_id, want, seat, reusable=False)

    def adopt(self, release_id: UUID, resident_id: UUID, ordinal: int, seat: int) -> None:
        """The database has this seat for the resident; whatever else the gate gave them is free."""
        args: list[str | int] = [Wanted(resident_id, ordinal).field, seat]
        self._tell(self._adopt, self._keys(release_id, "meta", "free", "mine", "version"), args)

    def begin_rebuild(self, release_id: UUID) -> bool:
        """Whether this caller is the one to rebuild the release's gate now."""
        try:
            key = f"gate:{{{release_id.hex}}}:rebuilding"
            return bool(self._redis.set(key, 1, nx=True, px=_REBUILD_LOCK_MS))
        except RedisError:
            return False

    def rebuild(
        self,
        release_id: UUID,
        facts: GateFacts,
        taken: Sequence[tuple[UUID, int, int]],
        ranges: Sequence[SeatRange],
    ) -> None:
        """Write the gate from what the database holds: (resident, ordinal, seat) of each voucher.

        `ranges` are all of the release's. `meta` is written last: until then the gate stays cold.
        """
        meta, cursors, free, mine, version = self._keys(
            release_id, "meta", "cursors", "free", "mine", "version"
        )
        seats = {seat for _, _, seat in taken}
        try:
            pipe = self._redis.pipeline(transaction=False)
            pipe.delete(meta, cursors, free, mine)
            # Never a number that some process remembers from before.
            pipe.set(version, randbits(48))
            for first, last in ranges:
                end = facts.quantity if last is None else last
                highest = max((seat for seat in seats if first <= seat <= end), default=first - 1)
                pipe.hset(cursors, str(first), str(highest + 1))
                for chunk in _chunks([n for n in range(first, highest) if n not in seats]):
                    pipe.zadd(free, {str(seat): seat for seat in chunk})
            for rows in _chunks(taken):
                fields = {Wanted(resident, ordinal).field: seat for resident, ordinal, seat in rows}
                pipe.hset(mine, mapping=cast(Any, fields))
            pipe.execute()
            self.refresh(release_id, facts)
            self._redis.delete(f"gate:{{{release_id.hex}}}:rebuilding")
        except RedisError as error:
            log.warning("the gate could not be rebuilt", error=type(error).__name__)

    def refresh(self, release_id: UUID, facts: GateFacts) -> None:
        """Write the release's facts, good for another `META_TTL_S`."""
        (meta,) = self._keys(release_id, "meta")
        seconds, microseconds = self._redis.time()
        fields = vars(facts) | {"ahead_ms": facts.now_ms - seconds * 1000 - microseconds // 1000}
        pipe = self._redis.pipeline(transaction=True)
        pipe.hset(meta, mapping=cast(Any, fields))
        pipe.expire(meta, META_TTL_S)
        pipe.execute()

    def is_cold(self, release_id: UUID) -> bool:
        """Whether the gate has no facts of the release."""
        return not self._redis.exists(*self._keys(release_id, "meta"))

    def seats_out_count(self, release_id: UUID) -> int:
        """How many seats the gate says somebody has."""
        (mine,) = self._keys(release_id, "mine")
        return int(self._redis.hlen(mine))

    def agreed_at(self, release_id: UUID) -> str | None:
        """What `agree` recorded last."""
        (key,) = self._keys(release_id, "agreed")
        found = cast(bytes | None, self._redis.get(key))
        return None if found is None else found.decode()

    def agree(self, release_id: UUID, counts: str) -> None:
        """Record the counts at which every seat that is out was found stored."""
        (key,) = self._keys(release_id, "agreed")
        self._redis.set(key, counts, ex=META_TTL_S)

    def left(self, release_ids: Sequence[UUID]) -> dict[UUID, int]:
        """Seats nobody has, for releases the gate knows; none of them when Redis does not answer.

        For people to look at: a claim decides for itself.
        """
        try:
            pipe = self._redis.pipeline(transaction=False)
            for release_id in release_ids:
                meta, mine = self._keys(release_id, "meta", "mine")
                pipe.hget(meta, "quantity")
                pipe.hlen(mine)
            answers = pipe.execute()
        except RedisError:
            return {}
        pairs = zip(release_ids, answers[::2], answers[1::2], strict=True)
        return {
            id_: max(0, int(quantity) - out) for id_, quantity, out in pairs if quantity is not None
        }

    def seats_out(self, release_id: UUID) -> dict[int, tuple[UUID, int]]:
        """Every seat somebody has according to the gate: seat → (resident, ordinal)."""
        (mine,) = self._keys(release_id, "mine")
        out: dict[int, tuple[UUID, int]] = {}
        for field, seat in self._redis.hscan_iter(mine, count=1_000):
            resident, _, ordinal = field.decode().partition(":")
            out[int(seat)] = (UUID(hex=resident), int(ordinal))
        return out

    def swap_suspects(self, release_id: UUID, seats: Iterable[int]) -> set[int]:
        """Remember these seats for the reconciler's next pass; returns those of its last one."""
        (key,) = self._keys(release_id, "suspects")
        before = {int(seat) for seat in self._redis.smembers(key)}
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(key)
        now = list(seats)
        if now:
            pipe.sadd(key, *now)
            pipe.expire(key, META_TTL_S)
        pipe.execute()
        return before

    def _undo(self, release_id: UUID, want: Wanted, seat: int, *, reusable: bool) -> None:
        keys = self._keys(release_id, "meta", "free", "mine", "version", "origins")
        self._tell(self._give_back, keys, [want.field, seat, int(reusable), *want.origins])

    def _tell(self, script: Script, keys: list[str], args: list[str | int]) -> None:
        try:
            script(keys=keys, args=args)
        except RedisError as error:
            # The reconciler finds the difference later.
            log.warning("the gate was not told", error=type(error).__name__)

    def _keys(self, release_id: UUID, *names: str) -> list[str]:
        # The braces keep a release's keys in one cluster slot.
        return [f"gate:{{{release_id.hex}}}:{name}" for name in names]


def init_gate(app: Flask) -> None:
    """One gate per application."""
    held: Resources = app.extensions[EXTENSION]
    settings = held.settings
    app.extensions[_GATE] = Gate(
        held.hints,
        cold_claims_max=settings.cold_claims_max,
        quotas=Quotas(settings.claims_per_device_max, settings.claims_per_network_max),
    )


def gate() -> Gate:
    found: Gate = current_app.extensions[_GATE]
    return found


def _chunks(rows: Sequence[T]) -> Iterable[Sequence[T]]:
    return (rows[start : start + _REBUILD_CHUNK] for start in range(0, len(rows), _REBUILD_CHUNK))
