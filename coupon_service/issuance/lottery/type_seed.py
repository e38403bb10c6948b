"""Type the seed's evidence: two officials, independently, the same numbers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.issuance.lottery.errors import (
    DrawStateError,
    OwnConfirmationError,
    SeedDiffersError,
    SeedNotYetError,
)
from coupon_service.issuance.lottery.models import DrawState, LotteryDraw
from coupon_service.issuance.lottery.queries import locked_draw, source_of


def type_seed(
    session: Session, release_id: UUID, typed: str, *, official_id: UUID, now: datetime
) -> bool:
    """Record what an official read at the source; returns whether it is confirmed now.

    The first one's numbers wait for a second official, who types them without seeing them. Whoever
    was first may type again to correct them.

    Raises:
        DrawNotFoundError: no draw is announced for the release.
        DrawStateError: no seed is waited for, or it is confirmed already.
        SeedNotYetError: the source cannot have spoken yet.
        SeedEvidenceError: the source publishes nothing like that.
        OwnConfirmationError: it is the same official who typed the same numbers before.
        SeedDiffersError: the first official typed other numbers; nothing has changed.
    """
    draw = _waiting(session, release_id)
    if now < draw.seed_available_at:
        raise SeedNotYetError
    evidence = source_of(draw).read(typed)
    if draw.typed_by_id is None or (
        draw.typed_by_id == official_id and draw.typed_evidence != evidence
    ):
        draw.typed_evidence, draw.typed_by_id = evidence, official_id
        return False
    if draw.typed_by_id == official_id:
        raise OwnConfirmationError
    if draw.typed_evidence != evidence:
        raise SeedDiffersError
    draw.evidence, draw.confirmed_by_id = evidence, official_id
    return True


def discard_typed(session: Session, release_id: UUID) -> None:
    """Forget what the first official typed.

    Raises:
        DrawNotFoundError: no draw is announced for the release.
        DrawStateError: nothing waits for confirmation.
    """
    draw = _waiting(session, release_id)
    if draw.typed_by_id is None:
        raise DrawStateError(state=draw.state)
    draw.typed_evidence = draw.typed_by_id = None


def _waiting(session: Session, release_id: UUID) -> LotteryDraw:
    draw = locked_draw(session, release_id)
    if draw.state != DrawState.CLOSED or draw.evidence is not None:
        raise DrawStateError(state=draw.state)
    return draw
