"""Redeem: a voucher pays part of one order at one store, once."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from coupon_service.core.risk import RedemptionAttempt, RiskGate
from coupon_service.ledger.payables import NewPayable, incur, open_merchant_accounts
from coupon_service.vouchers.errors import SecondCheckNeededError
from coupon_service.vouchers.lifecycle import use
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.paper import pass_second_check
from redemption.errors import (
    OrderNumberReusedError,
    OrderWasReversedError,
    RefusedByRuleError,
    VoucherUsedError,
)
from redemption.judge import judge, why_spoilt
from redemption.models import Redemption, RedemptionState
from redemption.queries import At, Presented, by_order_no, present
from redemption.verify import Scan, SeatRef, Way

TOPIC = "redemption.redeemed"


@dataclass(frozen=True)
class RedeemCommand:
    """One order, and the voucher presented for it. Amounts in fen.

    Attributes:
        voucher: its id, or its release's number and seat.
        till_id: the till; none at a virtual store.
        store_id: the store; a till has one already, which must then be the same.
        order_fen, after_discount_fen: before and after the merchant's own discount.
        scan: how the voucher was shown; none where its holder ordered without showing it.
        second_check: the end of the holder's identity number, for a paper voucher.
        id: of the redemption to be. One with another id in the answer means: a repeat.
    """

    voucher: UUID | SeatRef
    order_no: str
    order_fen: int
    after_discount_fen: int
    channel: Channel
    till_id: UUID | None = None
    store_id: UUID | None = None
    scan: Scan | None = None
    second_check: str | None = None
    id: UUID = field(default_factory=new_id)


def redeem(
    session: Session, command: RedeemCommand, *, risk: RiskGate, now: datetime
) -> Redemption:
    """Use the voucher for the order and owe the merchant the discount.

    The same order number with the same voucher and amounts gets the stored answer, whatever has
    changed since: a till that heard nothing may ask again.

    Raises:
        CodeNotRecognisedError: no voucher of the merchant's district.
        OrderNumberReusedError, OrderWasReversedError: the order number is taken.
        VoucherNotUsableError: the subclass says why.
        ForbiddenError: the till or its merchant is not active.
        SecondCheckNeededError, SecondCheckLockedError: of a paper voucher.
        SecondCheckWrongError: likewise; the transaction must be kept, as it counts the try.
    """
    presented = present(
        session,
        command.voucher,
        At(till_id=command.till_id, store_id=command.store_id),
        order_no=command.order_no,
        scan=command.scan,
    )
    voucher, merchant = presented.voucher, presented.store.merchant
    fingerprint = _fingerprint(command, voucher.id)
    if presented.earlier is not None:
        return _repeat(presented.earlier, fingerprint)
    discount_fen = judge(
        presented,
        Order(command.order_fen, command.after_discount_fen),
        command.channel,
        scan=command.scan,
        now=now,
    )
    if risk.forbids(session, _attempt(command, presented, now)):
        raise RefusedByRuleError
    _check_paper(session, command, voucher.id)
    claimed = _claim_order(
        session, command, presented, fingerprint=fingerprint, discount_fen=discount_fen, now=now
    )
    if claimed is None:
        return _beaten(session, merchant.id, command.order_no, fingerprint)
    # This UPDATE decides; what was read before may have changed meanwhile.
    if not use(session, voucher.id, now=now):
        raise _changed_meanwhile(session, voucher, now)
    campaign = voucher.release.campaign
    if not presented.has_accounts:
        open_merchant_accounts(session, campaign.season_id, merchant.id)
    incur(
        session,
        NewPayable(
            redemption_id=claimed.id,
            season_id=campaign.season_id,
            merchant_id=merchant.id,
            release_id=voucher.release_id,
            node_id=campaign.node_id,
            reserved_fen=campaign.face_fen,
            discount_fen=discount_fen,
            incurred_at=now,
        ),
    )
    emit(session, TOPIC, redemption_id=claimed.id)
    return claimed


def _check_paper(session: Session, command: RedeemCommand, voucher_id: UUID) -> None:
    if command.scan is None or command.scan.way is not Way.PAPER:
        return
    if command.second_check is None:
        raise SecondCheckNeededError
    pass_second_check(session, voucher_id, command.second_check)


def _fingerprint(command: RedeemCommand, voucher_id: UUID) -> bytes:
    """SHA-256 of what the request means. The code is left out: each showing has another one."""
    meaning = (voucher_id.hex, command.order_fen, command.after_discount_fen, command.channel)
    return sha256("|".join(map(str, meaning)).encode()).digest()


def _repeat(earlier: Redemption, fingerprint: bytes) -> Redemption:
    if earlier.state == RedemptionState.TOMBSTONE:
        raise OrderWasReversedError
    if earlier.fingerprint != fingerprint:
        raise OrderNumberReusedError
    if earlier.state == RedemptionState.REVERSED:
        raise OrderWasReversedError
    return earlier


def _claim_order(
    session: Session,
    command: RedeemCommand,
    presented: Presented,
    *,
    fingerprint: bytes,
    discount_fen: int,
    now: datetime,
) -> Redemption | None:
    """Take the order number; None if it, or the voucher, was taken meanwhile.

    Without a conflict target on purpose: a voucher has at most one live redemption, and losing
    that race must not look like a failure of the database.
    """
    store, campaign = presented.store, presented.voucher.release.campaign
    return session.scalars(
        insert(Redemption)
        .values(
            id=command.id,
            merchant_id=store.merchant_id,
            order_no=command.order_no,
            fingerprint=fingerprint,
            state=RedemptionState.REDEEMED,
            store_id=store.id,
            till_id=command.till_id,
            voucher_id=presented.voucher.id,
            season_id=campaign.season_id,
            node_id=campaign.node_id,
            order_fen=command.order_fen,
            after_discount_fen=command.after_discount_fen,
            discount_fen=discount_fen,
            proof_counter=command.scan.proof_counter if command.scan else None,
            channel=command.channel,
            category=store.category,
            zone=store.zone,
            tags=store.tags,
            redeemed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Redemption)
    ).one_or_none()


def _beaten(session: Session, merchant_id: UUID, order_no: str, fingerprint: bytes) -> Redemption:
    """The answer when somebody else was faster: with this order, or with this voucher."""
    earlier = by_order_no(session, merchant_id, order_no)
    if earlier is None:
        raise VoucherUsedError
    return _repeat(earlier, fingerprint)


def _changed_meanwhile(session: Session, voucher: Voucher, now: datetime) -> Exception:
    session.refresh(voucher, ["state", "valid_from", "expires_at"])
    return why_spoilt(voucher, now) or VoucherUsedError()


def _attempt(command: RedeemCommand, presented: Presented, now: datetime) -> RedemptionAttempt:
    return RedemptionAttempt(
        voucher_id=presented.voucher.id,
        resident_id=presented.voucher.resident_id,
        merchant_id=presented.store.merchant_id,
        store_id=presented.store.id,
        till_id=command.till_id,
        order_fen=command.order_fen,
        at=now,
    )
