"""Discard a list nobody relies on: its members and what is left of its file are deleted."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Release, ReleaseQuota
from coupon_service.issuance.lists.errors import (
    ListInUseError,
    ListNotFoundError,
    ListNotReadyError,
)
from coupon_service.issuance.lists.models import (
    Grant,
    ListChunk,
    ListFault,
    ListMember,
    ListState,
    ResidentList,
)


def discard_list(session: Session, list_id: UUID, *, now: datetime) -> None:
    """Delete what the list says of people; that there was one stays.

    Raises:
        ListNotFoundError
        ListNotReadyError: it is discarded already.
        ListInUseError: a grant, or the conditions of a campaign or a quota, name it.
    """
    found = session.execute(
        select(ResidentList).where(ResidentList.id == list_id).with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise ListNotFoundError
    if found.state == ListState.DISCARDED:
        raise ListNotReadyError
    named = str(list_id)
    in_use = session.execute(
        select(
            exists().where(Grant.list_id == list_id)
            | exists().where(
                Campaign.season_id == found.season_id,
                Campaign.eligibility["list_id"].astext == named,
            )
            | exists().where(
                ReleaseQuota.eligibility["list_id"].astext == named,
                ReleaseQuota.release_id == Release.id,
                Release.campaign_id == Campaign.id,
                Campaign.season_id == found.season_id,
            )
        )
    ).scalar_one()
    if in_use:
        raise ListInUseError
    for table in (ListMember, ListFault, ListChunk):
        session.execute(delete(table).where(table.list_id == list_id))
    found.state = ListState.DISCARDED
    found.line_count = found.member_count = found.fault_count = 0
    found.touched_at = now
