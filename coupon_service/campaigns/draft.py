"""A release before it is published: change it, discard it, say who may claim and what for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Exists, delete, exists, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coupon_service.campaigns.conditions import ConditionsOfUse
from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.errors import (
    CampaignNotFoundError,
    ReleaseNotFoundError,
    ReleaseStateError,
    TermsFixedError,
)
from coupon_service.campaigns.models import Campaign, Mode, Release, ReleaseQuota, ReleaseState


@dataclass(frozen=True)
class Draft:
    """What can be changed until a release is published. Its quantity goes by `resize`."""

    name: str
    mode: Mode
    waiting_room: bool
    opens_at: datetime
    closes_at: datetime


def edit_draft(session: Session, release_id: UUID, draft: Draft) -> None:
    """Change a draft.

    Raises:
        ReleaseNotFoundError: there is no such release.
        ReleaseStateError: it is no draft any more.
    """
    changed = session.execute(
        update(Release)
        .where(Release.id == release_id, Release.state == ReleaseState.DRAFT)
        .values(
            name=draft.name,
            mode=draft.mode,
            waiting_room=draft.waiting_room,
            opens_at=draft.opens_at,
            closes_at=draft.closes_at,
        )
        .returning(Release.id)
    ).scalar_one_or_none()
    if changed is None:
        raise _no_draft(session, release_id)


def discard_draft(session: Session, release_id: UUID) -> None:
    """Delete a draft; the round before it flows into the one after it.

    Raises:
        ReleaseNotFoundError: there is no such release.
        ReleaseStateError: it is no draft any more, or something was made for it already.
    """
    draft = session.scalars(
        select(Release)
        .where(Release.id == release_id, Release.state == ReleaseState.DRAFT)
        .with_for_update()
    ).one_or_none()
    if draft is None:
        raise _no_draft(session, release_id)
    try:
        with session.begin_nested():
            session.execute(
                update(Release)
                .where(Release.flows_into_id == release_id)
                .values(flows_into_id=draft.flows_into_id)
            )
            session.execute(delete(ReleaseQuota).where(ReleaseQuota.release_id == release_id))
            session.execute(delete(Release).where(Release.id == release_id))
    except IntegrityError:  # codes, a draw, a grant or an award rule refer to it
        raise ReleaseStateError(state=ReleaseState.DRAFT) from None


def set_eligibility(session: Session, campaign_id: UUID, eligibility: Eligibility) -> None:
    """Say who may claim from a campaign that has not been published yet.

    Raises:
        CampaignNotFoundError: there is no such campaign.
        TermsFixedError: a release of it was published.
    """
    fields = {"eligibility": eligibility.model_dump(mode="json", exclude_defaults=True)}
    _set_terms(session, campaign_id, fields)


def set_conditions_of_use(session: Session, campaign_id: UUID, conditions: ConditionsOfUse) -> None:
    """Say when, for which goods and with which others a campaign's vouchers are used.

    The stores in its scope stay as they are.

    Raises:
        CampaignNotFoundError: there is no such campaign.
        TermsFixedError: a release of it was published.
    """
    stores = Campaign.scope.op("-")("weekdays").op("-")("hours")
    _set_terms(
        session,
        campaign_id,
        {
            "scope": stores.op("||")(literal(conditions.times(), JSONB)),
            "slots": conditions.stored_slots(),
            "excluded_goods": list(conditions.excluded_goods),
            "stacking": conditions.stacking,
            "per_order_max": conditions.per_order_max,
        },
    )


def terms_are_fixed(session: Session, campaign_id: UUID) -> bool:
    """Whether a release of the campaign was published."""
    return bool(session.execute(select(_published(campaign_id))).scalar_one())


def _set_terms(session: Session, campaign_id: UUID, fields: Mapping[str, Any]) -> None:
    changed = session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, ~_published(campaign_id))
        .values(fields)
        .returning(Campaign.id)
    ).scalar_one_or_none()
    if changed is None:
        if session.get(Campaign, campaign_id) is None:
            raise CampaignNotFoundError
        raise TermsFixedError


def _published(campaign_id: UUID) -> Exists:
    return exists().where(Release.campaign_id == campaign_id, Release.state != ReleaseState.DRAFT)


def _no_draft(session: Session, release_id: UUID) -> Exception:
    release = session.get(Release, release_id)
    return ReleaseNotFoundError() if release is None else ReleaseStateError(state=release.state)
