"""Take a place: enter a release's waiting room, or look where one stands in it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil
from random import uniform
from time import time
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy import func, select

from coupon_service.campaigns.errors import ReleaseClosedError, ReleaseNotFoundError
from coupon_service.campaigns.models import ReleaseState
from coupon_service.core.db import transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.resources import resources
from coupon_service.issuance.admit import Claimant, Unmet, admit
from coupon_service.issuance.errors import NOT_ELIGIBLE, LimitReachedError
from coupon_service.issuance.gate import gate
from coupon_service.issuance.waiting_room import ticket
from coupon_service.issuance.waiting_room.errors import NoWaitingRoomError
from coupon_service.issuance.waiting_room.facts import RoomFacts, room_facts
from coupon_service.issuance.waiting_room.room import Place, Standing, Wish, rooms
from coupon_service.vouchers.models import Voucher

ASK_AGAIN_MIN_S = 2.0
ASK_AGAIN_MAX_S = 20.0
# In the lobby nothing changes before the opening, and then nobody gains by being first to ask.
_LOBBY_ASK_MAX_S = 60.0
_LOBBY_ASKS_PER_S = 1_000
# From which standings a wish leads to a new place.
_WOULD_MOVE: Mapping[Wish, Collection[Standing]] = {
    Wish.LOOK: (),
    Wish.ENTER: (Standing.ABSENT,),
    Wish.AGAIN: (Standing.ABSENT, Standing.MISSED, Standing.SPENT),
}


@dataclass(frozen=True)
class Answer:
    """A place in the room, as of `now_ms`. Times as Unix milliseconds.

    Attributes:
        expected_s: seconds until the turn; None where it depends on what others do.
        ask_again_s: when to ask next; None: there is nothing to wait for.
        ticket: what the claim presents, during the turn.
        next_ordinal: which of their coupons of this release the claim would be.
    """

    facts: RoomFacts
    place: Place
    now_ms: int
    expected_s: int | None
    ask_again_s: float | None
    ticket: str | None
    next_ordinal: int

    @property
    def is_sold_out(self) -> bool:
        """Whether every seat had a voucher when people were last let in."""
        return self.place.left == 0


def take_place(release_id: UUID, resident_id: UUID, wish: Wish) -> Answer:
    """Where the resident stands, after doing what they wish.

    Raises:
        ReleaseNotFoundError, NoWaitingRoomError, ReleaseClosedError
        NotEligibleError, LimitReachedError: the claim would be refused; better told now than later.
        UnavailableError: Redis does not answer.
    """
    facts = room_facts(release_id)
    if facts is None:
        raise ReleaseNotFoundError
    if not facts.has_room:
        raise NoWaitingRoomError
    now_ms = int(time() * 1000)
    if facts.state == ReleaseState.CLOSED or now_ms >= facts.closes_ms:
        raise ReleaseClosedError
    try:
        place = rooms().place(facts, resident_id, Wish.LOOK, now_ms)
        if place.standing in _WOULD_MOVE[wish]:
            _refuse_the_hopeless(facts, resident_id)
            place = rooms().place(facts, resident_id, wish, now_ms)
        if place.is_ringer and _let_in(facts, now_ms) and place.standing is Standing.WAITING:
            place = rooms().place(facts, resident_id, Wish.LOOK, now_ms)
    except RedisError:
        raise UnavailableError(retry_after_s=3) from None
    return _answer(facts, resident_id, place, now_ms)


def _refuse_the_hopeless(facts: RoomFacts, resident_id: UUID) -> None:
    claimant = Claimant(facts.release_id, resident_id, by_guardian=False)
    with transaction(resources().sessions) as session:
        verdict = admit(session, [claimant]).get(claimant)
    if isinstance(verdict, Unmet):
        raise NOT_ELIGIBLE[verdict.condition]
    if _next_ordinal(facts, resident_id) > facts.per_person:
        raise LimitReachedError


def _next_ordinal(facts: RoomFacts, resident_id: UUID) -> int:
    had = select(func.count()).where(
        Voucher.release_id == facts.release_id, Voucher.resident_id == resident_id
    )
    with transaction(resources().sessions) as session:
        return session.execute(had).scalar_one() + 1


def _let_in(facts: RoomFacts, now_ms: int) -> int:
    """Let the next people in; while the release pauses or the gate is cold, nobody."""
    if facts.state != ReleaseState.OPEN:
        return 0
    left = gate().left([facts.release_id]).get(facts.release_id)
    if left is None:
        return 0
    per_s = resources().settings.waiting_room_per_s
    return rooms().let_in(facts, per_s=per_s, left=left, now_ms=now_ms)


def _answer(facts: RoomFacts, resident_id: UUID, place: Place, now_ms: int) -> Answer:
    is_turn = place.standing is Standing.TURN
    next_ordinal = _next_ordinal(facts, resident_id) if is_turn else 1
    if next_ordinal > facts.per_person:
        raise LimitReachedError
    expected_s = _expected_s(place)
    return Answer(
        facts=facts,
        place=place,
        now_ms=now_ms,
        expected_s=expected_s,
        ask_again_s=_ask_again_s(place, now_ms, expected_s),
        ticket=ticket.issue(facts.release_id, resident_id, place.ends_ms) if is_turn else None,
        next_ordinal=next_ordinal,
    )


def _expected_s(place: Place) -> int | None:
    """By the pace, for those for whom there is a seat; the others wait for one to come free."""
    if place.standing is not Standing.WAITING:
        return None
    if place.free is not None and place.ahead >= place.free:
        return None
    return ceil((place.ahead + 1) / resources().settings.waiting_room_per_s)


def _ask_again_s(place: Place, now_ms: int, expected_s: int | None) -> float | None:
    """Those far behind ask less often, and nobody in step with the others."""
    if place.standing is Standing.LOBBY:
        left_s = max(0.0, (place.draw_ms - now_ms) / 1000)
        spread_s = min(max(place.people / _LOBBY_ASKS_PER_S, 3.0), ASK_AGAIN_MAX_S)
        return min(left_s, _LOBBY_ASK_MAX_S) + uniform(0.5, spread_s)  # noqa: S311
    if place.standing is not Standing.WAITING:
        return None
    wanted = ASK_AGAIN_MAX_S if expected_s is None else expected_s / 3
    spread = uniform(0.8, 1.2)  # noqa: S311
    return min(max(wanted, ASK_AGAIN_MIN_S), ASK_AGAIN_MAX_S) * spread
