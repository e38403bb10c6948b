"""A release's life: publish, pause, resume, close.

Each takes the release's row FOR UPDATE. A claim holds it FOR KEY SHARE while it inserts, so what
is decided here sees every earlier claim, and no later claim slips past it.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.errors import ReleaseNotFoundError, ReleaseStateError
from coupon_service.campaigns.fund import budget, reserved
from coupon_service.campaigns.models import Release, ReleaseState
from coupon_service.ledger.accounts import open_accounts
from coupon_service.ledger.post import Movement, post

_MOVES: Mapping[ReleaseState, frozenset[ReleaseState]] = {
    ReleaseState.DRAFT: frozenset({ReleaseState.OPEN}),
    ReleaseState.OPEN: frozenset({ReleaseState.PAUSED, ReleaseState.CLOSED}),
    ReleaseState.PAUSED: frozenset({ReleaseState.OPEN, ReleaseState.CLOSED}),
    ReleaseState.CLOSED: frozenset(),
}


def publish(session: Session, release_id: UUID, *, now: datetime) -> Release:
    """Open a draft and reserve its money: face (or cap) times quantity, out of its budget node.

    Raises:
        ReleaseStateError: it is no draft any more.
        InsufficientFundsError: the node does not hold that much.
    """
    release = _move(session, release_id, ReleaseState.OPEN, only_from=ReleaseState.DRAFT)
    release.published_at = now
    campaign = release.campaign
    account = reserved(campaign.season_id, release.id)
    open_accounts(session, [account])
    post(
        session,
        release.id,
        "publish",
        [
            Movement(
                budget(campaign.season_id, campaign.node_id),
                account,
                campaign.face_fen * release.quantity,
            )
        ],
    )
    return release


def pause(session: Session, release_id: UUID) -> Release:
    """Stop claims; the money stays reserved.

    Raises:
        ReleaseStateError: it is not open.
    """
    return _move(session, release_id, ReleaseState.PAUSED, only_from=ReleaseState.OPEN)


def resume(session: Session, release_id: UUID) -> Release:
    """Let claims go on.

    Raises:
        ReleaseStateError: it is not paused.
    """
    return _move(session, release_id, ReleaseState.OPEN, only_from=ReleaseState.PAUSED)


def close(session: Session, release_id: UUID, *, now: datetime) -> Release:
    """End a release for good; the money of the seats nobody took returns to its budget node.

    Raises:
        ReleaseStateError: it is a draft, or closed already.
    """
    release = _move(session, release_id, ReleaseState.CLOSED)
    release.closed_at = now
    # The table belongs to a package above; a count of its rows is all that is needed of it here.
    taken = session.execute(
        text("SELECT count(*) FROM vouchers WHERE release_id = :id"), {"id": release.id}
    ).scalar_one()
    campaign = release.campaign
    post(
        session,
        release.id,
        "close",
        [
            Movement(
                reserved(campaign.season_id, release.id),
                budget(campaign.season_id, campaign.node_id),
                campaign.face_fen * (release.quantity - taken),
            )
        ],
    )
    return release


def _move(
    session: Session,
    release_id: UUID,
    target: ReleaseState,
    *,
    only_from: ReleaseState | None = None,
) -> Release:
    release = session.execute(
        select(Release)
        .where(Release.id == release_id)
        .options(joinedload(Release.campaign))
        .with_for_update(of=Release)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if release is None:
        raise ReleaseNotFoundError
    state = ReleaseState(release.state)
    if target not in _MOVES[state] or only_from not in (None, state):
        raise ReleaseStateError(state=state)
    release.state = target
    return release
