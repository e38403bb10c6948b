"""The waiting room: a drawn order and a pace. The Redis is a real one."""

import random
from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest

from coupon_service.campaigns.models import ReleaseState
from coupon_service.core.ids import new_id
from coupon_service.core.redis import Redis, make_hint_redis
from coupon_service.issuance.waiting_room.facts import RoomFacts
from coupon_service.issuance.waiting_room.room import (
    PACE_KEPT_MS,
    REDRAW_MS,
    TURN_MS,
    Place,
    Rooms,
    Standing,
    Wish,
)
from tests.conftest import Servers

OPENS_MS = 1_800_000_000_000
PER_S = 200


@pytest.fixture
def facts() -> RoomFacts:
    return RoomFacts(
        new_id(), True, ReleaseState.OPEN, OPENS_MS, OPENS_MS + 3_600_000, per_person=1
    )


@pytest.fixture
def redis(servers: Servers) -> Redis:
    """Of its own, and patient: these tests are not about how fast a machine is."""
    client = make_hint_redis(servers.redis_url, timeout_s=10)
    client.flushall()
    return client


@pytest.fixture
def room(redis: Redis) -> Rooms:
    return Rooms(redis)


def enter(room: Rooms, facts: RoomFacts, resident_id: UUID, now_ms: int) -> Place:
    return room.place(facts, resident_id, Wish.ENTER, now_ms)


def look(room: Rooms, facts: RoomFacts, resident_id: UUID, now_ms: int) -> Place:
    return room.place(facts, resident_id, Wish.LOOK, now_ms)


def test_ten_thousand_early_arrivals_are_drawn_and_being_first_gains_nothing(
    room: Rooms, facts: RoomFacts, redis: Redis
) -> None:
    """Ranks of 10,000 at random correlate with arrival by 0 ± 0.01; ten times that is no chance."""
    crowd = [UUID(int=random.getrandbits(128)) for _ in range(10_000)]
    bots = crowd[:1_000]  # there at 0 ms
    for second, resident_id in enumerate(crowd):
        place = enter(room, facts, resident_id, OPENS_MS - 20_000_000 + second)
        assert (place.standing, place.ahead) == (Standing.LOBBY, 0)  # nobody is told before
    key = f"room:{{{facts.release_id.hex}}}:waiting"
    members = cast(list[bytes], redis.zrange(key, 0, -1))
    order = [UUID(hex=member.decode()) for member in members]
    assert sorted(order) == sorted(crowd)
    rank = {resident_id: place for place, resident_id in enumerate(order)}
    assert abs(correlation([rank[one] for one in crowd])) < 0.1
    # A tenth of the crowd gets a tenth of the first thousand turns: 100 ± 9.
    assert 40 < len(set(order[:1_000]) & set(bots)) < 160
    first, last = order[0], order[-1]
    assert look(room, facts, first, OPENS_MS).ahead == 0
    assert look(room, facts, last, OPENS_MS).ahead == 9_999


def correlation(ranks: list[int]) -> float:
    """Spearman's rank correlation of a permutation of 0..n-1 with the order it stands in."""
    n = len(ranks)
    return 1 - 6 * sum((place - rank) ** 2 for place, rank in enumerate(ranks)) / (n**3 - n)


def test_two_rooms_draw_two_orders(room: Rooms, facts: RoomFacts, redis: Redis) -> None:
    crowd = [new_id() for _ in range(50)]
    orders = []
    for one in (facts, replace(facts, release_id=new_id())):
        for resident_id in crowd:
            enter(room, one, resident_id, OPENS_MS - 1)
        orders.append(redis.zrange(f"room:{{{one.release_id.hex}}}:waiting", 0, -1))
    assert orders[0] != orders[1]


def test_coming_back_keeps_the_place(room: Rooms, facts: RoomFacts, redis: Redis) -> None:
    crowd = [new_id() for _ in range(20)]
    for resident_id in crowd:
        enter(room, facts, resident_id, OPENS_MS - 1_000)
    places = [look(room, facts, one, OPENS_MS).ahead for one in crowd]
    for wish in Wish:  # nor does asking for another help
        assert [room.place(facts, one, wish, OPENS_MS + 1).ahead for one in crowd] == places


def test_who_comes_later_queues_behind_in_order_of_arrival(room: Rooms, facts: RoomFacts) -> None:
    early = [new_id() for _ in range(5)]
    late = [new_id() for _ in range(5)]
    for resident_id in early:
        enter(room, facts, resident_id, OPENS_MS - 1)
    assert [enter(room, facts, one, OPENS_MS + i).ahead for i, one in enumerate(late)] == [
        5, 6, 7, 8, 9,
    ]  # fmt: skip


def test_people_are_let_in_at_the_pace_and_never_all_at_once(room: Rooms, facts: RoomFacts) -> None:
    crowd = [new_id() for _ in range(1_000)]
    for resident_id in crowd:
        enter(room, facts, resident_id, OPENS_MS - 1)
    let_in = [
        room.let_in(facts, per_s=10, left=5_000, now_ms=OPENS_MS + at_ms)
        for at_ms in (-1, 0, 99, 100, 1_000, 11_000, 12_050, 600_000)
    ]
    # A fraction of a person is kept; of ten minutes when nobody asked, half a minute's worth.
    assert let_in == [0, 0, 0, 1, 9, 100, 10, PACE_KEPT_MS // 100]


def test_a_turn_holds_a_seat_until_it_ends(room: Rooms, facts: RoomFacts) -> None:
    crowd = [new_id() for _ in range(10)]
    for resident_id in crowd:
        enter(room, facts, resident_id, OPENS_MS - 1)
    now_ms = OPENS_MS + 1_000
    assert room.let_in(facts, per_s=PER_S, left=3, now_ms=now_ms) == 3
    assert room.let_in(facts, per_s=PER_S, left=3, now_ms=now_ms + TURN_MS - 1) == 0
    assert room.let_in(facts, per_s=PER_S, left=3, now_ms=now_ms + TURN_MS) == 3
    standings = [look(room, facts, one, now_ms + TURN_MS).standing for one in crowd]
    assert sorted(standings).count(Standing.MISSED) == 3
    assert sorted(standings).count(Standing.TURN) == 3


def test_a_missed_turn_queues_again_at_the_end_when_asked_to(room: Rooms, facts: RoomFacts) -> None:
    slow = new_id()
    enter(room, facts, slow, OPENS_MS - 1)
    assert room.let_in(facts, per_s=PER_S, left=10, now_ms=OPENS_MS + 1_000) == 1
    enter(room, facts, new_id(), OPENS_MS + 2_000)
    after_ms = OPENS_MS + 1_000 + TURN_MS
    assert look(room, facts, slow, after_ms - 1).ends_ms == after_ms
    assert enter(room, facts, slow, after_ms).standing is Standing.MISSED  # no place by accident
    again = room.place(facts, slow, Wish.AGAIN, after_ms)
    assert (again.standing, again.ahead) == (Standing.WAITING, 1)


def test_only_one_caller_rings_in_a_while(room: Rooms, facts: RoomFacts) -> None:
    enter(room, facts, new_id(), OPENS_MS - 1)
    assert [look(room, facts, new_id(), OPENS_MS + i).is_ringer for i in range(5)].count(True) == 1


def test_a_room_that_was_lost_is_drawn_again_among_those_who_are_still_there(
    room: Rooms, facts: RoomFacts, redis: Redis
) -> None:
    crowd = [new_id() for _ in range(400)]
    for resident_id in crowd:
        enter(room, facts, resident_id, OPENS_MS - 1)
    redis.flushall()
    lost_ms = OPENS_MS + 60_000
    for at, resident_id in enumerate(crowd):
        assert enter(room, facts, resident_id, lost_ms + at).standing is Standing.LOBBY
    drawn_ms = lost_ms + REDRAW_MS
    assert enter(room, facts, new_id(), drawn_ms).ahead == 400
    ranks = [look(room, facts, one, drawn_ms).ahead for one in crowd]
    assert abs(correlation(ranks)) < 0.3  # of 400: 0 ± 0.05


def test_the_room_is_forgotten_after_the_release(
    room: Rooms, facts: RoomFacts, redis: Redis
) -> None:
    resident_id = new_id()
    enter(room, facts, resident_id, OPENS_MS - 1)
    room.let_in(facts, per_s=PER_S, left=1, now_ms=OPENS_MS + 1_000)
    room.spend(facts, resident_id, OPENS_MS + 1_000 + TURN_MS, OPENS_MS + 2_000)
    keys = redis.keys("room:*")
    assert len(keys) >= 3
    assert all(redis.pttl(key) > 0 for key in keys)
