"""An official's acts on releases, each with its entry in the audit log, in the same transaction.

Every one of them refuses what is not of the official's district as if it were not there.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from admin.audit import record
from admin.release_queries import campaign_of, release_of
from admin.release_schemas import (
    CodeBody,
    DraftBody,
    GroupsBody,
    QuantityBody,
    RecycleBody,
    RoundsBody,
    RuleBody,
)
from admin.scope import district_of
from coupon_service.campaigns import release as releases
from coupon_service.campaigns.conditions import ConditionsOfUse
from coupon_service.campaigns.draft import (
    discard_draft,
    edit_draft,
    set_conditions_of_use,
    set_eligibility,
)
from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.models import Release, ReleaseState
from coupon_service.campaigns.plan_rounds import plan_rounds
from coupon_service.campaigns.recycle import recycle
from coupon_service.core.auth import Principal
from coupon_service.core.personal import Vault
from coupon_service.issuance.codes.errors import ClaimCodeNotFoundError
from coupon_service.issuance.codes.make_code import MadeCode, make_code, stop_code
from coupon_service.issuance.codes.models import ClaimCode
from redemption.awards.errors import AwardRuleNotFoundError
from redemption.awards.models import AwardRule
from redemption.awards.rule import end_rule, make_rule


def publish(session: Session, official: Principal, release_id: UUID, *, now: datetime) -> None:
    """Reserve a draft's money and open it for its window.

    Raises:
        ReleaseNotFoundError, ReleaseStateError
        InsufficientFundsError: the budget node does not hold that much.
    """
    release_of(session, district_of(official), release_id)
    release = releases.publish(session, release_id, now=now)
    details = {"quantity": release.quantity, "face_fen": release.campaign.face_fen}
    record(session, official, "release.publish", release_id, details)


def pause(session: Session, official: Principal, release_id: UUID) -> None:
    """Stop claims from a release.

    Raises:
        ReleaseNotFoundError, ReleaseStateError
    """
    release_of(session, district_of(official), release_id)
    releases.pause(session, release_id)
    record(session, official, "release.pause", release_id)


def resume(session: Session, official: Principal, release_id: UUID) -> None:
    """Let claims from a release go on.

    Raises:
        ReleaseNotFoundError, ReleaseStateError
    """
    release_of(session, district_of(official), release_id)
    releases.resume(session, release_id)
    record(session, official, "release.resume", release_id)


def close(session: Session, official: Principal, release_id: UUID, *, now: datetime) -> None:
    """End a release for good.

    Raises:
        ReleaseNotFoundError, ReleaseStateError
    """
    release_of(session, district_of(official), release_id)
    releases.close(session, release_id, now=now)
    record(session, official, "release.close", release_id)


def resize(session: Session, official: Principal, release_id: UUID, body: QuantityBody) -> None:
    """Change the quantity, if it is still what the official saw.

    Raises:
        ReleaseNotFoundError, ReleaseStateError, InsufficientFundsError
        QuantityChangedError: somebody else has changed it meanwhile.
        QuantityOutOfBoundsError: seats beyond that are taken.
    """
    release_of(session, district_of(official), release_id)
    releases.resize(session, release_id, quantity=body.quantity, expected=body.expected)
    details = {"quantity": body.quantity, "before": body.expected}
    record(session, official, "release.resize", release_id, details)


def edit(session: Session, official: Principal, release_id: UUID, body: DraftBody) -> None:
    """Change a draft.

    Raises:
        ReleaseNotFoundError, ReleaseStateError
    """
    release_of(session, district_of(official), release_id)
    edit_draft(session, release_id, body.draft())
    record(session, official, "release.edit", release_id, body.model_dump(mode="json"))


def discard(session: Session, official: Principal, release_id: UUID) -> None:
    """Delete a draft.

    Raises:
        ReleaseNotFoundError, ReleaseStateError
    """
    release_of(session, district_of(official), release_id)
    discard_draft(session, release_id)
    record(session, official, "release.discard", release_id)


def keep(session: Session, official: Principal, release_id: UUID, body: GroupsBody) -> None:
    """Keep seats of a draft for groups.

    Raises:
        ReleaseNotFoundError, ReleaseStateError
        QuantityOutOfBoundsError: the groups want more seats than there are.
    """
    release_of(session, district_of(official), release_id)
    releases.keep_for_groups(session, release_id, body.as_groups())
    record(session, official, "release.groups", release_id, body.model_dump(mode="json"))


def limit_to(
    session: Session, official: Principal, campaign_id: UUID, eligibility: Eligibility
) -> None:
    """Say who may claim from a campaign.

    Raises:
        CampaignNotFoundError
        TermsFixedError: a release of it was published.
    """
    campaign_of(session, district_of(official), campaign_id)
    set_eligibility(session, campaign_id, eligibility)
    details = eligibility.model_dump(mode="json", exclude_defaults=True)
    record(session, official, "campaign.eligibility", campaign_id, details)


def limit_use(
    session: Session, official: Principal, campaign_id: UUID, conditions: ConditionsOfUse
) -> None:
    """Say when, for which goods and with which others a campaign's vouchers are used.

    Raises:
        CampaignNotFoundError
        TermsFixedError: a release of it was published.
    """
    campaign_of(session, district_of(official), campaign_id)
    set_conditions_of_use(session, campaign_id, conditions)
    details = conditions.model_dump(mode="json", exclude_defaults=True)
    record(session, official, "campaign.conditions", campaign_id, details)


def plan(
    session: Session, official: Principal, campaign_id: UUID, body: RoundsBody, *, now: datetime
) -> Sequence[Release]:
    """Plan a series of rounds, and publish them if the official says so.

    Raises:
        CampaignNotFoundError, InvalidRequestError
        InsufficientFundsError: the node cannot pay for all that are to be published.
    """
    campaign_of(session, district_of(official), campaign_id)
    rounds = plan_rounds(session, campaign_id, body.plan())
    details = body.model_dump(mode="json", exclude={"first_id"})
    record(session, official, "release.plan", campaign_id, details)
    for one in rounds:
        if body.publish and one.state == ReleaseState.DRAFT:
            publish(session, official, one.id, now=now)
    return rounds


def release_again(
    session: Session, official: Principal, campaign_id: UUID, body: RecycleBody, *, now: datetime
) -> Release:
    """Publish anew what came back to a campaign's node.

    Raises:
        CampaignNotFoundError, QuantityOutOfBoundsError, InsufficientFundsError
    """
    campaign_of(session, district_of(official), campaign_id)
    release = recycle(session, campaign_id, **body.model_dump(), now=now)
    details: dict[str, Any] = {"quantity": release.quantity, "campaign_id": str(campaign_id)}
    record(session, official, "release.recycle", release.id, details)
    return release


def create_code(
    session: Session, vault: Vault, official: Principal, release_id: UUID, body: CodeBody
) -> MadeCode:
    """Make a claim code.

    Raises:
        ReleaseNotFoundError, NoCodesHereError
    """
    release_of(session, district_of(official), release_id)
    made = make_code(session, vault, release_id, body.new(), official_id=official.id)
    details = {"code_id": str(made.id), **body.model_dump(mode="json")}
    record(session, official, "code.make", release_id, details)
    return made


def end_code(session: Session, official: Principal, code_id: UUID, *, now: datetime) -> UUID:
    """Let a claim code work no longer; returns its release's id.

    Raises:
        ClaimCodeNotFoundError
    """
    code = session.get(ClaimCode, code_id)
    if code is None:
        raise ClaimCodeNotFoundError
    release_of(session, district_of(official), code.release_id)
    stop_code(session, code_id, now=now)
    record(session, official, "code.stop", code.release_id, {"code_id": str(code_id)})
    return code.release_id


def create_rule(
    session: Session, official: Principal, release_id: UUID, body: RuleBody
) -> AwardRule:
    """Let redemptions earn coupons of a release.

    Raises:
        ReleaseNotFoundError, NoAwardsHereError
    """
    release_of(session, district_of(official), release_id)
    rule = make_rule(session, release_id, body.new())
    details = {"rule_id": str(rule.id), **body.model_dump(mode="json")}
    record(session, official, "award.rule", release_id, details)
    return rule


def end_award_rule(session: Session, official: Principal, rule_id: UUID) -> UUID:
    """Let a rule earn nobody anything any more; returns its release's id.

    Raises:
        AwardRuleNotFoundError
    """
    rule = session.get(AwardRule, rule_id)
    if rule is None:
        raise AwardRuleNotFoundError
    release_of(session, district_of(official), rule.release_id)
    end_rule(session, rule_id)
    record(session, official, "award.end", rule.release_id, {"rule_id": str(rule_id)})
    return rule.release_id
