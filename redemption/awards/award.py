"""Award: give the holder of a redeemed voucher what the redemption earned them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Mode, Release
from coupon_service.core.errors import TooManyRequestsError, UnavailableError
from coupon_service.issuance.claim import ClaimCommand, Granted, claim
from coupon_service.issuance.gate import Gate
from coupon_service.notices.notify import NoticeKind, notify
from coupon_service.vouchers.models import Voucher
from redemption.awards.models import Award, AwardRule
from redemption.models import Order, OrderState, Redemption

# Two redemptions of one person at once must not both be their first.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 2))")


@dataclass(frozen=True)
class _Earned:
    """A live redemption, and whom it may earn something. Amounts in fen."""

    redemption_id: UUID
    season_id: UUID
    campaign_id: UUID
    resident_id: UUID
    guardian_id: UUID | None
    amount_fen: int
    channel: Channel


def award(session: Session, gate: Gate, redemption_id: UUID, *, now: datetime) -> int:
    """Give what the redemption earned by each rule; returns how many vouchers.

    Each rule is applied to a redemption once, however often this runs. One that was reversed or
    came back in full meanwhile earns nothing: the order's row is locked, so a reversal or a refund
    comes before all of this or after.

    Raises:
        UnavailableError, TooManyRequestsError: a claim may succeed later; nothing was done.
    """
    earned = _live(session, redemption_id)
    if earned is None:
        return 0
    rules = _rules(session, earned)
    if rules:
        session.execute(_LOCK, {"person": earned.resident_id.hex})
    return sum(_apply(session, gate, rule, earned, now) for rule in rules)


def _live(session: Session, redemption_id: UUID) -> _Earned | None:
    row = session.execute(
        select(
            Redemption.id,
            Redemption.season_id,
            Release.campaign_id,
            Voucher.resident_id,
            Voucher.claimed_by_id,
            Order.after_discount_fen,
            Redemption.channel,
        )
        .join(Order, Order.id == Redemption.order_id)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Release, Release.id == Voucher.release_id)
        .where(
            Redemption.id == redemption_id,
            Order.state == OrderState.REDEEMED,
            Order.refunded_fen < Order.after_discount_fen,
        )
        .with_for_update(read=True, of=Order)
    ).one_or_none()
    if row is None:
        return None
    return _Earned(
        redemption_id=row.id,
        season_id=row.season_id,
        campaign_id=row.campaign_id,
        resident_id=row.resident_id,
        guardian_id=row.claimed_by_id,
        amount_fen=row.after_discount_fen,
        channel=Channel(row.channel),
    )


def _rules(session: Session, earned: _Earned) -> Sequence[AwardRule]:
    return session.scalars(
        select(AwardRule)
        .where(
            AwardRule.active,
            AwardRule.season_id == earned.season_id,
            AwardRule.min_order_fen <= earned.amount_fen,
            or_(
                AwardRule.source_campaign_id.is_(None),
                AwardRule.source_campaign_id == earned.campaign_id,
            ),
        )
        .order_by(AwardRule.id)
    ).all()


def _apply(session: Session, gate: Gate, rule: AwardRule, earned: _Earned, now: datetime) -> bool:
    """Apply one rule, unless it was applied before; whether it gave a voucher."""
    if _had_from(session, rule.id, earned.resident_id) >= rule.per_person:
        return False
    record = session.scalars(
        insert(Award)
        .values(
            redemption_id=earned.redemption_id,
            rule_id=rule.id,
            resident_id=earned.resident_id,
            awarded_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Award.redemption_id, Award.rule_id])
        .returning(Award)
    ).one_or_none()
    if record is None:
        return False
    command = ClaimCommand(
        release_id=rule.release_id,
        resident_id=earned.resident_id,
        channel=earned.channel,
        ordinal=_next_ordinal(session, rule.release_id, earned.resident_id),
        mode=Mode.AWARD,
        # A minor's guardian claimed the first one, and so has the second one claimed.
        claimed_by_id=earned.guardian_id,
    )
    (outcome,) = claim(session, gate, [command])
    if not isinstance(outcome, Granted):
        if isinstance(outcome.error, UnavailableError | TooManyRequestsError):
            raise outcome.error
        record.refused = outcome.error.slug
        session.flush()
        return False
    record.voucher_id = outcome.voucher.voucher_id
    session.flush()
    campaign = session.execute(
        select(Campaign.name)
        .join(Release, Release.campaign_id == Campaign.id)
        .where(Release.id == rule.release_id)
    ).scalar_one()
    notify(
        session,
        earned.resident_id,
        NoticeKind.AWARDED,
        campaign=campaign,
        voucher_id=record.voucher_id,
    )
    return True


def _had_from(session: Session, rule_id: UUID, resident_id: UUID) -> int:
    """How many coupons of this rule the resident holds or has used."""
    return session.execute(
        select(func.count())
        .select_from(Award)
        .where(
            Award.rule_id == rule_id,
            Award.resident_id == resident_id,
            Award.voucher_id.is_not(None),
            Award.withdrawn_at.is_(None),
        )
    ).scalar_one()


def _next_ordinal(session: Session, release_id: UUID, resident_id: UUID) -> int:
    highest: int = session.execute(
        select(func.coalesce(func.max(Voucher.ordinal), 0)).where(
            Voucher.release_id == release_id, Voucher.resident_id == resident_id
        )
    ).scalar_one()
    return highest + 1
