"""Start a grant of a release to a list, and let those it refused try again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.models import Mode, Release, ReleaseState
from coupon_service.core.jobs import emit_job
from coupon_service.issuance.errors import ChannelClosedError
from coupon_service.issuance.lists.errors import (
    GrantExistsError,
    GrantNotFoundError,
    ListNotFoundError,
    ListNotReadyError,
    NotForGrantError,
)
from coupon_service.issuance.lists.give import CHANNEL
from coupon_service.issuance.lists.models import (
    Grant,
    GrantOutcome,
    ListState,
    Outcome,
    ResidentList,
)

GRANT = "lists.grant"


def start_grant(
    session: Session, release_id: UUID, list_id: UUID, *, started_by: UUID | None
) -> None:
    """Give the release to everybody on the list. A job does it, from the release's opening on.

    Raises:
        ListNotFoundError, ListNotReadyError
        NotForGrantError: the release is not granted, not published, or of another season.
        ChannelClosedError: the campaign does not let its vouchers be claimed online.
        GrantExistsError: the release is given to a list already.
    """
    # Locked as the new row's reference will be, so that the list is not discarded meanwhile.
    found = session.execute(
        select(ResidentList)
        .where(ResidentList.id == list_id)
        .with_for_update(read=True, key_share=True)
    ).scalar_one_or_none()
    if found is None:
        raise ListNotFoundError
    if found.state != ListState.READY:
        raise ListNotReadyError
    release = session.get(Release, release_id, options=[joinedload(Release.campaign)])
    if (
        release is None
        or release.mode != Mode.GRANT
        or release.state not in (ReleaseState.OPEN, ReleaseState.PAUSED)
        or release.campaign.season_id != found.season_id
    ):
        raise NotForGrantError
    if CHANNEL not in release.campaign.claim_channels:
        raise ChannelClosedError
    started = session.execute(
        insert(Grant)
        .values(release_id=release_id, list_id=list_id, started_by=started_by)
        .on_conflict_do_nothing(index_elements=[Grant.release_id])
        .returning(Grant.release_id)
    ).scalar_one_or_none()
    if started is None:
        raise GrantExistsError
    emit_job(session, GRANT, release_id=release_id)


def retry_refused(session: Session, release_id: UUID, *, now: datetime) -> int:
    """Let everybody the grant refused try again, as after more seats; returns how many.

    Raises:
        GrantNotFoundError
    """
    grant = session.execute(
        select(Grant).where(Grant.release_id == release_id).with_for_update()
    ).scalar_one_or_none()
    if grant is None:
        raise GrantNotFoundError
    moved = (
        update(GrantOutcome)
        .where(GrantOutcome.release_id == release_id, GrantOutcome.outcome == Outcome.REFUSED)
        .values(outcome=Outcome.WAITING, slug=None)
        .returning(GrantOutcome.line_no)
        .cte("moved")
    )
    count = session.execute(select(func.count()).select_from(moved)).scalar_one()
    grant.waiting += count
    grant.refused -= count
    grant.touched_at = now
    emit_job(session, GRANT, release_id=release_id)
    return count
