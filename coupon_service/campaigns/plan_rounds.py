"""Plan: a series of rounds of one campaign, a week or another step apart, as drafts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import CampaignNotFoundError
from coupon_service.campaigns.models import Campaign, Mode, Release
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.core.errors import InvalidRequestError
from coupon_service.core.ids import new_id

ROUNDS_MAX = 60


@dataclass(frozen=True)
class RoundsPlan:
    """What an official decides about a series of rounds.

    Attributes:
        first_opens_at: of the first round; the others open at the same local time.
        step_days: local days from one round to the next.
        open_h: how long each is open; none: until the next one opens.
        flows: whether what is left of a round goes on to the next one.
        first_id: of the first release to be: planning the same again changes nothing.
    """

    first_opens_at: datetime
    count: int
    quantity: int
    step_days: int = 7
    open_h: int | None = None
    mode: Mode = Mode.FIRST_COME
    waiting_room: bool = False
    flows: bool = True
    first_id: UUID | None = None


def plan_rounds(session: Session, campaign_id: UUID, plan: RoundsPlan) -> Sequence[Release]:
    """Write the rounds down as drafts, named by their number; returns them in their order.

    Raises:
        CampaignNotFoundError: there is no such campaign.
        InvalidRequestError: more than `ROUNDS_MAX`, or a round would be open past the next one's
            opening, into which it is to flow.
    """
    if session.get(Campaign, campaign_id) is None:
        raise CampaignNotFoundError
    step = timedelta(days=plan.step_days)
    length = step if plan.open_h is None else timedelta(hours=plan.open_h)
    if not 1 <= plan.count <= ROUNDS_MAX or plan.step_days < 1 or length > step:
        raise InvalidRequestError
    number = session.execute(
        select(func.count()).select_from(Release).where(Release.campaign_id == campaign_id)
    ).scalar_one()
    first_id = plan.first_id or new_id()
    ids = [first_id, *(uuid5(first_id, str(index)) for index in range(1, plan.count))]
    local = plan.first_opens_at.astimezone(LOCAL_ZONE)
    # From the last to the first: each names the one it flows into, which must be there.
    onward: UUID | None = None
    rows: list[dict[str, Any]] = []
    for index in reversed(range(plan.count)):
        opens_at = local + index * step
        rows.append(
            {
                "id": ids[index],
                "campaign_id": campaign_id,
                "name": f"第{number + index + 1}轮",
                "mode": plan.mode,
                "quantity": plan.quantity,
                "waiting_room": plan.waiting_room,
                "flows_into_id": onward,
                "opens_at": opens_at,
                "closes_at": opens_at + length,
            }
        )
        onward = ids[index] if plan.flows else None
    *later, first = rows
    planned = session.execute(
        insert(Release)
        .values(**{**first, "flows_into_id": None})
        .on_conflict_do_nothing(index_elements=[Release.id])
        .returning(Release.id)
    ).scalar_one_or_none()
    if planned is not None:
        session.add_all([Release(**row) for row in later])
        session.flush()
        session.get_one(Release, ids[0]).flows_into_id = first["flows_into_id"]
        session.flush()
    return session.scalars(
        select(Release)
        .where(Release.campaign_id == campaign_id, Release.id.in_(ids))
        .order_by(Release.opens_at)
    ).all()
