"""Accept: redeem one offline record as of the moment it was signed, or say why not.

First what the till could and had to judge for itself: a record that fails it is refused. What is
left may fail because somebody else was first: that is a conflict, and nobody's mistake.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order, Unusable, discount_fen, unusable_at, unusable_when
from coupon_service.campaigns.terms_of import terms_of
from coupon_service.core.errors import ProblemError
from coupon_service.core.risk import RiskGate
from coupon_service.core.settings import Settings
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.vouchers import base32
from coupon_service.vouchers.errors import PhoneCoolingDownError
from coupon_service.vouchers.keys import Keyring
from coupon_service.vouchers.lifecycle import revive
from coupon_service.vouchers.models import Voucher, VoucherState
from coupon_service.vouchers.show import typed_code_key
from merchants.queries import place_of, till_with_store
from redemption.errors import (
    UNUSABLE_ERRORS,
    CodeNotRecognisedError,
    PhoneReplacedError,
    ProofUsedError,
    VoucherExpiredError,
    VoucherUsedError,
    VoucherVoidError,
)
from redemption.models import Redemption
from redemption.offline.errors import (
    OfflineAmountDiffersError,
    OfflineCapReachedError,
    OfflineLeaseOverError,
    OfflineNotCoveredError,
    OfflineTooLateError,
)
from redemption.offline.exposure import grace
from redemption.offline.models import OfflineLease
from redemption.offline.record import Record
from redemption.present import At, Showing
from redemption.redeem import RedeemCommand, Redeemed, Refused, redeem
from redemption.verify import Scan, Way, read_code

# What became of the voucher elsewhere, where a till without a network could not see it.
_ELSEWHERE = (
    VoucherUsedError,
    VoucherVoidError,
    VoucherExpiredError,
    ProofUsedError,
    PhoneReplacedError,
    PhoneCoolingDownError,
)
# A lease says its times in whole milliseconds.
_ROUNDING = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Accepted:
    """The record is an order now, or was one already."""

    voucher_id: UUID
    order_id: UUID


@dataclass(frozen=True)
class Conflict:
    """Rightly accepted, but too late.

    Attributes:
        release_id: of the voucher.
        voucher_id, error: the voucher, and what keeps it from paying.
    """

    voucher_id: UUID
    error: ProblemError
    release_id: UUID


@dataclass(frozen=True)
class Moment:
    """Where and when a batch comes in, and what it is judged with."""

    till_id: UUID
    merchant_id: UUID
    keyring: Keyring
    risk: RiskGate
    settings: Settings
    now: datetime


def accept(
    session: Session,
    record: Record,
    lease: OfflineLease | None,
    moment: Moment,
    *,
    chain_fen: int,
) -> Accepted | Conflict | ProblemError:
    """Redeem the record's voucher for its order. `chain_fen`: the chain's discounts up to it.

    The voucher is locked. A record is judged by its signed time; the present only says whether it
    came in within the grace.
    """
    if (refusal := _within(record, lease, chain_fen, moment)) is not None or lease is None:
        return refusal or OfflineLeaseOverError()
    try:
        scan = read_code(
            base32.encode(record.code),
            keyring=moment.keyring,
            typed_key=typed_code_key(),
            skew_s=moment.settings.proof_skew_s,
        )
    except CodeNotRecognisedError as error:
        return error
    if scan.way is not Way.PROOF or not isinstance(scan.voucher, UUID):
        return CodeNotRecognisedError()
    voucher = session.get(Voucher, scan.voucher, populate_existing=True)
    if voucher is None:
        return CodeNotRecognisedError()
    if (refusal := _judge(session, record, lease, voucher, moment)) is not None:
        return refusal
    outcome = _redeem(session, record, voucher, scan, moment)
    if isinstance(outcome, Redeemed):
        return Accepted(voucher.id, outcome.receipt.order_id)
    if isinstance(outcome.error, _ELSEWHERE):
        return Conflict(voucher.id, outcome.error, voucher.release_id)
    return outcome.error


def used_here_before(session: Session, voucher_id: UUID, merchant_id: UUID) -> bool:
    """Whether this merchant has redeemed the voucher: the conflict is with itself."""
    redeemed = exists().where(
        Redemption.voucher_id == voucher_id, Redemption.merchant_id == merchant_id
    )
    return bool(session.execute(select(redeemed)).scalar_one())


def _within(
    record: Record, lease: OfflineLease | None, chain_fen: int, moment: Moment
) -> ProblemError | None:
    """Whether the lease allowed it."""
    ahead = timedelta(seconds=moment.settings.proof_skew_s)
    if (
        lease is None
        or not lease.issued_at - _ROUNDING <= record.accepted_at < lease.expires_at
        or record.accepted_at > moment.now + ahead
    ):
        return OfflineLeaseOverError()
    if record.seq > lease.seq_max or chain_fen > lease.fen_max:
        return OfflineCapReachedError()
    if moment.now > lease.expires_at + grace():
        return OfflineTooLateError()
    return None


def _judge(
    session: Session,
    record: Record,
    lease: OfflineLease,
    voucher: Voucher,
    moment: Moment,
) -> ProblemError | None:
    """What the till had to see for itself, apart from the code's freshness."""
    campaign = terms_of(session, [voucher.release_id])[voucher.release_id].campaign
    covered = campaign.season_id == lease.season_id and campaign.face_fen <= lease.face_max_fen
    if campaign.slots or not covered:
        return OfflineNotCoveredError()
    if voucher.expires_at <= record.accepted_at:
        return VoucherExpiredError()
    place = replace(
        place_of(till_with_store(session, moment.till_id).store), channel=Channel.ONSITE
    )
    unusable = unusable_at(campaign, place) or unusable_when(campaign, record.accepted_at)
    if unusable is not None:
        return UNUSABLE_ERRORS[unusable]()
    taken_off = discount_fen(campaign, _order_of(record))
    if isinstance(taken_off, Unusable):
        return UNUSABLE_ERRORS[taken_off]()
    return None if taken_off == record.discount_fen else OfflineAmountDiffersError()


class _UndoneError(Exception):
    """Nothing of this record was done."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused


def _redeem(
    session: Session,
    record: Record,
    voucher: Voucher,
    scan: Scan,
    moment: Moment,
) -> Redeemed | Refused:
    command = RedeemCommand(
        showings=[Showing(voucher.id, scan, seen_at=record.accepted_at)],
        at=At(till_id=moment.till_id),
        order_no=record.order_no,
        order=_order_of(record),
        channel=Channel.ONSITE,
    )
    try:
        with session.begin_nested():
            # It expired after it was accepted: as of that moment it had its money.
            if voucher.state == VoucherState.EXPIRED:
                revive(session, voucher.id)
            (outcome,) = redeem(session, [command], risk=moment.risk, now=record.accepted_at)
            if isinstance(outcome, Refused):
                raise _UndoneError(outcome)
            return outcome
    except _UndoneError as undone:
        return undone.refused
    except InsufficientFundsError:
        return Refused(VoucherExpiredError())


def _order_of(record: Record) -> Order:
    return Order(record.order_fen, record.after_discount_fen)
