"""The waiting rooms in Redis: who waits, in which order, and whose turn it is.

Whoever is there before the opening gets a random place, drawn when they arrive and told to nobody
before the opening; whoever comes later queues behind them. So being early, quick or a program gains
nothing, and no long shuffle holds up Redis at ten o'clock.

Redis holds hints only. A room that was lost begins anew: everybody who still has the page open gets
a random place again within `REDRAW_MS`. Tickets given out before keep their worth, because their
signature is checked; how often one is used, and every seat, PostgreSQL decides in the end.
"""

from dataclasses import dataclass
from enum import StrEnum
from secrets import SystemRandom
from uuid import UUID

from flask import Flask, current_app
from redis import Redis

from coupon_service.core.redis import load_script
from coupon_service.core.resources import EXTENSION, Resources
from coupon_service.issuance.waiting_room.facts import RoomFacts

TURN_MS = 300_000
REDRAW_MS = 10_000
BELL_MS = 200
# Longer than anybody who waits leaves between two looks (take_place.py).
PACE_KEPT_MS = 30_000
# A claim is answered long before; see spend.lua.
SETTLE_MS = 3_000
_KEPT_AFTER_CLOSING_MS = 86_400_000
_ROOMS = "issuance.waiting_rooms"

_random = SystemRandom()


class Wish(StrEnum):
    LOOK = "look"
    ENTER = "enter"
    AGAIN = "again"  # after a turn: at the end


class Standing(StrEnum):
    ABSENT = "absent"
    LOBBY = "lobby"  # the order is not drawn yet
    WAITING = "waiting"
    TURN = "turn"
    MISSED = "missed"
    SPENT = "spent"


@dataclass(frozen=True)
class Place:
    """Where somebody stands. Times as Unix milliseconds.

    Attributes:
        ahead: people before them, while waiting.
        ends_ms: the end of their turn.
        people: how many wait in all.
        left: seats nobody had when people were last let in; None before that.
        free: those of them that nobody's turn holds.
        given: turns so far.
        draw_ms: until then everybody is given a random place, and nobody is told which.
        is_ringer: whether this caller is to let the next people in.
    """

    standing: Standing
    ahead: int
    ends_ms: int
    people: int
    left: int | None
    free: int | None
    given: int
    draw_ms: int
    is_ringer: bool


class Rooms:
    """The waiting rooms over one Redis. Every method may raise `RedisError`."""

    def __init__(self, redis: Redis) -> None:
        package = __package__ or ""
        self._enter = load_script(redis, package, "enter")
        self._let_in = load_script(redis, package, "let_in")
        self._spend = load_script(redis, package, "spend")
        self._give_back = load_script(redis, package, "give_back")

    def place(self, facts: RoomFacts, resident_id: UUID, wish: Wish, now_ms: int) -> Place:
        """The resident's place, new if they wish for one and have none."""
        args: list[str | int] = [
            resident_id.hex,
            now_ms,
            facts.opens_ms,
            now_ms + REDRAW_MS,
            repr(_random.random()),
            wish,
            BELL_MS,
            _forget_ms(facts),
        ]
        keys = _keys(facts.release_id, "room", "waiting", "turns", "spent", "bell")
        standing, number, people, left, free, given, draw_ms, ring = (
            field.decode() for field in self._enter(keys=keys, args=args)
        )
        return Place(
            standing=Standing(standing),
            ahead=int(number) if standing == Standing.WAITING else 0,
            ends_ms=int(number) if standing == Standing.TURN else 0,
            people=int(people),
            left=int(left) if left else None,
            free=int(free) if free else None,
            given=int(given),
            draw_ms=int(draw_ms),
            is_ringer=ring == "1",
        )

    def let_in(self, facts: RoomFacts, *, per_s: int, left: int, now_ms: int) -> int:
        """Give the next people their turn; returns how many. `left`: seats nobody has."""
        keys = _keys(facts.release_id, "room", "waiting", "turns")
        args = [now_ms, per_s, left, TURN_MS, _forget_ms(facts), PACE_KEPT_MS]
        return int(self._let_in(keys=keys, args=args))

    def spend(self, facts: RoomFacts, resident_id: UUID, ends_ms: int, now_ms: int) -> bool:
        """Use the ticket of the turn that ends then; returns whether it was unused."""
        keys = _keys(facts.release_id, "turns", "spent")
        args: list[str | int] = [resident_id.hex, ends_ms, now_ms, SETTLE_MS, _forget_ms(facts)]
        return bool(self._spend(keys=keys, args=args))

    def give_back(self, facts: RoomFacts, resident_id: UUID, ends_ms: int) -> None:
        """The ticket was not used after all."""
        keys = _keys(facts.release_id, "turns", "spent")
        self._give_back(keys=keys, args=[resident_id.hex, ends_ms])


def init_rooms(app: Flask) -> None:
    """One set of rooms per application."""
    held: Resources = app.extensions[EXTENSION]
    app.extensions[_ROOMS] = Rooms(held.hints)


def rooms() -> Rooms:
    found: Rooms = current_app.extensions[_ROOMS]
    return found


def _keys(release_id: UUID, *names: str) -> list[str]:
    # The braces keep a release's keys in one cluster slot.
    return [f"room:{{{release_id.hex}}}:{name}" for name in names]


def _forget_ms(facts: RoomFacts) -> int:
    return facts.closes_ms + _KEPT_AFTER_CLOSING_MS
