"""Advance: take a draw its next step. Each step is one transaction, and knows where it stopped."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.settings import Settings
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.lottery.close import close
from coupon_service.issuance.lottery.draw import draw as draw_lots
from coupon_service.issuance.lottery.grant import grant_batch, is_decided, is_told, tell_batch
from coupon_service.issuance.lottery.models import DrawState, LotteryDraw
from coupon_service.issuance.lottery.publish import publish
from coupon_service.issuance.lottery.queries import locked_draw, source_of
from coupon_service.issuance.lottery.seeds import WelfareDrawing

# A beacon needs a moment to hand out its newest round.
FETCH_AFTER = timedelta(seconds=5)


class Step(StrEnum):
    CLOSE = "close"
    DRAW = "draw"
    GRANT = "grant"
    PUBLISH = "publish"
    TELL = "tell"


def next_step(draw: LotteryDraw, now: datetime) -> Step | None:
    """What is to be done now; None if it is somebody else's turn, or nobody's."""
    match DrawState(draw.state):
        case DrawState.COLLECTING:
            return Step.CLOSE if draw.entries_close_at <= now else None
        case DrawState.CLOSED:
            if draw.seed_available_at + FETCH_AFTER > now:
                return None
            typed_later = isinstance(source_of(draw), WelfareDrawing) and draw.evidence is None
            return None if typed_later else Step.DRAW
        case DrawState.LATE:
            return None
        case DrawState.DRAWN:
            return Step.PUBLISH if is_decided(draw) else Step.GRANT
        case DrawState.PUBLISHED:
            return None if is_told(draw) else Step.TELL
        case unknown:
            assert_never(unknown)


def advance(
    session: Session, gate: Gate, settings: Settings, release_id: UUID, *, now: datetime
) -> Step | None:
    """Do the next step; returns the one after it, if it can be done at once.

    Raises:
        ProblemError: the step cannot be done now, and nothing has changed.
    """
    draw = locked_draw(session, release_id)
    match next_step(draw, now):
        case Step.CLOSE:
            close(session, release_id, now=now)
        case Step.DRAW:
            evidence = draw.evidence or source_of(draw).fetch(settings)
            assert evidence is not None  # or it would be the officials' turn
            draw_lots(session, release_id, evidence, now=now)
        case Step.GRANT:
            grant_batch(session, gate, release_id)
        case Step.PUBLISH:
            publish(session, release_id, now=now)
        case Step.TELL:
            tell_batch(session, release_id)
        case None:
            pass
        case unknown:
            assert_never(unknown)
    return next_step(draw, now)
