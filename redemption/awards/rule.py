"""Make a rule of what earns a coupon, and end one."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import ReleaseNotFoundError
from coupon_service.campaigns.models import Campaign, Mode, Release
from coupon_service.core.ids import new_id
from redemption.awards.errors import AwardRuleNotFoundError, NoAwardsHereError
from redemption.awards.models import AwardRule


@dataclass(frozen=True)
class NewRule:
    """What an official decides about a rule; see `AwardRule`. Amounts in fen."""

    source_campaign_id: UUID | None
    min_order_fen: int
    per_person: int


def make_rule(session: Session, release_id: UUID, new: NewRule) -> AwardRule:
    """Let redemptions earn coupons of this release.

    Raises:
        ReleaseNotFoundError: there is no such release.
        NoAwardsHereError: it is claimed in another way, or the source is of another season.
    """
    found = session.execute(
        select(Release.mode, Campaign.season_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Release.id == release_id)
    ).one_or_none()
    if found is None:
        raise ReleaseNotFoundError
    if found.mode != Mode.AWARD:
        raise NoAwardsHereError
    if new.source_campaign_id is not None:
        source = session.get(Campaign, new.source_campaign_id)
        if source is None or source.season_id != found.season_id:
            raise NoAwardsHereError
    rule = AwardRule(
        id=new_id(),
        season_id=found.season_id,
        release_id=release_id,
        source_campaign_id=new.source_campaign_id,
        min_order_fen=new.min_order_fen,
        per_person=new.per_person,
        active=True,
    )
    session.add(rule)
    session.flush()
    return rule


def end_rule(session: Session, rule_id: UUID) -> None:
    """Let the rule earn nobody anything any more; what it earned stays.

    Raises:
        AwardRuleNotFoundError: there is no such rule.
    """
    ended = session.execute(
        update(AwardRule)
        .where(AwardRule.id == rule_id)
        .values(active=False)
        .returning(AwardRule.id)
    ).scalar_one_or_none()
    if ended is None:
        raise AwardRuleNotFoundError
