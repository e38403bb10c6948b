"""Enter and withdraw. The database's clock decides; closing waits for entries under way."""

from secrets import token_bytes
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.errors import NotOpenYetError, ReleasePausedError
from coupon_service.campaigns.models import ReleaseState
from coupon_service.core.clock import db_now
from coupon_service.core.errors import ProblemError
from coupon_service.issuance.admit import Claimant, Unmet, admit
from coupon_service.issuance.errors import NOT_ELIGIBLE
from coupon_service.issuance.lottery.errors import (
    DrawNotFoundError,
    EntriesClosedError,
    NotEnteredError,
)
from coupon_service.issuance.lottery.models import SALT_BYTES, LotteryDraw, LotteryEntry

# The draws that take entries at this moment. FOR KEY SHARE makes closing wait for this entry, and
# this entry see the closing.
_TAKING_ENTRIES = """
    SELECT draw.release_id FROM lottery_draws draw
    JOIN releases release ON release.id = draw.release_id
    WHERE draw.release_id = :release_id AND draw.state = 'collecting'
      AND release.state = 'open' AND release.opens_at <= clock_timestamp()
      AND draw.entries_close_at > clock_timestamp()
    FOR KEY SHARE OF draw
"""
_ENTER = text(
    f"""
    INSERT INTO lottery_entries (release_id, resident_id, id, salt, entered_by_id)
    SELECT taking.release_id, :resident_id, :id, decode(:salt, 'hex'), :entered_by_id
    FROM ({_TAKING_ENTRIES}) AS taking
    ON CONFLICT (release_id, resident_id) DO NOTHING
    RETURNING id
    """  # noqa: S608  # put together from constants
)
_WITHDRAW = text(
    f"""
    WITH taking AS ({_TAKING_ENTRIES})
    DELETE FROM lottery_entries entry USING taking
    WHERE entry.release_id = taking.release_id AND entry.resident_id = :resident_id
    RETURNING entry.id
    """  # noqa: S608
)


def enter(
    session: Session, release_id: UUID, resident_id: UUID, *, entered_by_id: UUID | None = None
) -> bool:
    """Enter a resident once; returns False if they had entered before.

    `entered_by_id` is the relative who acts for them: the entry counts as the resident's own.

    Raises:
        DrawNotFoundError: no draw is announced for the release.
        NotEligibleError: the resident does not meet a condition of the campaign.
        NotOpenYetError, ReleasePausedError, EntriesClosedError: entries are not taken now.
    """
    claimant = Claimant(release_id, resident_id, by_guardian=entered_by_id is not None)
    verdict = admit(session, [claimant]).get(claimant)
    if isinstance(verdict, Unmet):
        raise NOT_ELIGIBLE[verdict.condition]
    entered = session.execute(
        _ENTER,
        {
            "release_id": release_id,
            "resident_id": resident_id,
            "id": uuid4(),  # random throughout: a UUIDv7 would tell the minute of entering
            "salt": token_bytes(SALT_BYTES).hex(),
            "entered_by_id": entered_by_id,
        },
    ).scalar_one_or_none()
    if entered is not None:
        return True
    if session.get(LotteryEntry, (release_id, resident_id)) is not None:
        return False
    raise _why_not(session, release_id)


def withdraw(session: Session, release_id: UUID, resident_id: UUID) -> None:
    """Take an entry back, as if it had never been made.

    Raises:
        DrawNotFoundError: no draw is announced for the release.
        NotEnteredError: the resident has no entry.
        ReleasePausedError, EntriesClosedError: it is too late, or not possible now.
    """
    keys = {"release_id": release_id, "resident_id": resident_id}
    if session.execute(_WITHDRAW, keys).scalar_one_or_none() is not None:
        return
    if session.get(LotteryEntry, (release_id, resident_id)) is None:
        raise NotEnteredError
    raise _why_not(session, release_id)


def _why_not(session: Session, release_id: UUID) -> ProblemError:
    draw = session.get(LotteryDraw, release_id, options=[joinedload(LotteryDraw.release)])
    if draw is None:
        return DrawNotFoundError()
    if draw.release.state == ReleaseState.DRAFT or draw.release.opens_at > db_now(session):
        return NotOpenYetError(opens_at=draw.release.opens_at)
    if draw.release.state == ReleaseState.PAUSED:
        return ReleasePausedError()
    return EntriesClosedError()
