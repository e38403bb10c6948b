"""Shared reads of award rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign
from redemption.awards.models import Award, AwardRule


@dataclass(frozen=True)
class RuleFacts:
    """A rule with the name of its source campaign and the coupons it has given and taken back."""

    rule: AwardRule
    source: str | None
    given: int
    withdrawn: int


def rules_of_release(session: Session, release_id: UUID) -> Sequence[RuleFacts]:
    """The rules that lead to a release, live ones first."""
    rows = session.execute(
        select(
            AwardRule,
            Campaign.name,
            func.count(Award.voucher_id),
            func.count(Award.withdrawn_at),
        )
        .outerjoin(Campaign, Campaign.id == AwardRule.source_campaign_id)
        .outerjoin(Award, Award.rule_id == AwardRule.id)
        .where(AwardRule.release_id == release_id)
        .group_by(AwardRule.id, Campaign.name)
        .order_by(AwardRule.active.desc(), AwardRule.created_at)
    )
    return [RuleFacts(*row) for row in rows]
