"""A clerk's PIN at a till: four to six digits, tried a few times at most.

So short a secret would not survive any plain hash; this one is keyed, and the key is not in the
database. Tries are counted in the database, by clerk and till, so that nobody can lock a clerk out
of another till, and no restart forgets them.
"""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.personal import Vault
from merchants.tills.errors import ClerkNotFoundError, PinLockedError, WrongPinError
from merchants.tills.models import WRONG_PINS_MAX, Clerk, ClerkTries
from merchants.tills.queries import ClerkAtTill, clerk_at_till

LOCKED_FOR = timedelta(minutes=15)


def check_pin(
    session: Session, vault: Vault, till_id: UUID, clerk_id: UUID, pin: str, *, now: datetime
) -> ClerkAtTill:
    """Compare a PIN with the clerk's.

    The try is charged before it is judged, and a right one gives all back: guesses that come at
    once wait for each other, and none is free. Whoever catches `WrongPinError` must keep the
    transaction, or the try is not counted.

    Raises:
        ClerkNotFoundError: no active clerk of the till's store.
        WrongPinError: it is another one; `tries_left` more may follow.
        PinLockedError: too many were wrong, whatever this one is.
    """
    clerk = clerk_at_till(session, till_id, clerk_id)
    if clerk is None:
        raise ClerkNotFoundError
    tries = _charge(session, till_id, clerk_id, now)
    expected = session.execute(select(Clerk.pin_hash).where(Clerk.id == clerk_id)).scalar_one()
    if not hmac.compare_digest(expected, hash_pin(vault, clerk_id, pin)):
        raise WrongPinError(tries_left=WRONG_PINS_MAX - tries)
    session.execute(
        delete(ClerkTries).where(ClerkTries.clerk_id == clerk_id, ClerkTries.till_id == till_id)
    )
    return clerk


def hash_pin(vault: Vault, clerk_id: UUID, pin: str) -> bytes:
    """What is kept of a PIN."""
    return vault.index("clerk-pin", f"{clerk_id.hex}:{pin}")


def _charge(session: Session, till_id: UUID, clerk_id: UUID, now: datetime) -> int:
    """Count a try; which one it is in a row."""
    forgotten = ClerkTries.tried_at <= now - LOCKED_FOR
    tries = session.execute(
        insert(ClerkTries)
        .values(clerk_id=clerk_id, till_id=till_id, wrong_tries=1, tried_at=now)
        .on_conflict_do_update(
            index_elements=[ClerkTries.clerk_id, ClerkTries.till_id],
            set_={
                "wrong_tries": case((forgotten, 1), else_=ClerkTries.wrong_tries + 1),
                "tried_at": now,
            },
            where=or_(ClerkTries.wrong_tries < WRONG_PINS_MAX, forgotten),
        )
        .returning(ClerkTries.wrong_tries)
    ).scalar_one_or_none()
    if tries is not None:
        return tries
    last = session.execute(
        select(ClerkTries.tried_at).where(
            ClerkTries.clerk_id == clerk_id, ClerkTries.till_id == till_id
        )
    ).scalar_one()
    wait_s = int((last + LOCKED_FOR - now).total_seconds()) + 1
    raise PinLockedError(retry_after_s=max(1, wait_s))
