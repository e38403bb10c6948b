"""The ticket of a turn: signed, for one resident and release, good once and for five minutes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer
from redis.exceptions import RedisError

from coupon_service.campaigns.errors import NotOpenYetError, ReleasePausedError
from coupon_service.core.errors import TooManyRequestsError, UnavailableError
from coupon_service.core.log import get_logger
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import resources
from coupon_service.issuance.waiting_room.errors import (
    TicketEndedError,
    TicketNeededError,
    TicketSpentError,
)
from coupon_service.issuance.waiting_room.facts import room_facts
from coupon_service.issuance.waiting_room.room import TURN_MS, rooms

TICKET_CHARS_MAX = 300
# Machines do not agree on the time to the millisecond.
_EARLY_MS = 2_000

# Refusals after which the same claim may succeed while the turn lasts.
_PASSING = (NotOpenYetError, ReleasePausedError, TooManyRequestsError, UnavailableError)

log = get_logger(__name__)


def issue(release_id: UUID, resident_id: UUID, ends_ms: int) -> str:
    """The ticket of the turn that ends then. The same turn has the same ticket."""
    return _serializer().dumps([release_id.hex, resident_id.hex, ends_ms - TURN_MS, ends_ms])


def needs_ticket(release_id: UUID) -> bool:
    """Whether claims of this release come out of a waiting room. Mostly from memory."""
    facts = room_facts(release_id)
    return facts is not None and facts.has_room


def spend(release_id: UUID, resident_id: UUID, ticket: str | None) -> None:
    """Use the ticket for one claim. Does nothing where no ticket is needed.

    Raises:
        TicketNeededError: it is missing, or not one of this release and resident.
        TicketEndedError: its turn is over.
        TicketSpentError: it was used before.
    """
    facts = room_facts(release_id)
    if facts is None or not facts.has_room:
        return
    now_ms = int(time() * 1000)
    ends_ms = _read(release_id, resident_id, ticket)
    if now_ms < ends_ms - TURN_MS - _EARLY_MS:
        raise TicketNeededError
    if now_ms >= ends_ms:
        raise TicketEndedError
    try:
        unused = rooms().spend(facts, resident_id, ends_ms, now_ms)
    except RedisError as error:
        # The signature was right; one voucher per person is the database's business.
        log.warning("a ticket could not be counted", error=type(error).__name__)
        return
    if not unused:
        raise TicketSpentError


def give_back(release_id: UUID, resident_id: UUID, ticket: str | None) -> None:
    """The claim came to nothing and may be tried again with the same ticket."""
    facts = room_facts(release_id)
    if facts is None or not facts.has_room:
        return
    try:
        rooms().give_back(facts, resident_id, _read(release_id, resident_id, ticket))
    except RedisError as error:
        log.warning("a ticket could not be given back", error=type(error).__name__)


@contextmanager
def using(release_id: UUID, resident_id: UUID, ticket: str | None) -> Iterator[None]:
    """Spend the ticket on the claim inside. A claim that is to be tried again gives it back.

    Raises:
        TicketNeededError, TicketEndedError, TicketSpentError
    """
    spend(release_id, resident_id, ticket)
    try:
        yield
    except _PASSING:
        give_back(release_id, resident_id, ticket)
        raise


def _read(release_id: UUID, resident_id: UUID, ticket: str | None) -> int:
    """The end of the ticket's turn."""
    if not ticket or len(ticket) > TICKET_CHARS_MAX:
        raise TicketNeededError
    try:
        release, resident, _, ends_ms = _serializer().loads(ticket)
    except (BadSignature, ValueError, TypeError):
        raise TicketNeededError from None
    if (release, resident) != (release_id.hex, resident_id.hex):
        raise TicketNeededError
    return int(ends_ms)


def _serializer() -> URLSafeSerializer:
    secret = resources().settings.secret_key.get_secret_value()
    return URLSafeSerializer(derive_key(secret, "claim-ticket/1"))
